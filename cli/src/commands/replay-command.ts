import type { Command } from 'commander';
import type { WorkerConfig } from '@taleback/worker/src/config.ts';
import type { CliPorts } from '../cli-ports.ts';
import { UsageError } from '../exit-code.ts';
import { parseBaseUrl } from '../parse-option.ts';
import { readConfig } from '../read-config.ts';
import type { RecordLibrary } from '@taleback/worker/src/storage/index.ts';
import type { Letter } from '../replay/find-letters.ts';

const EXAMPLES = `
Examples:
  taleback replay --dry-run
  taleback replay --story 4711
  taleback replay --audio-folder /srv/taleback --secret whsec_...
  taleback replay --story 4711 --receiver https://your-site.example

It sends what lies in failed_callbacks/ of the audio store (the folder or bucket of AUDIO_STORE) and in set-aside/ of the
outbox folder, signed anew; what is accepted moves to replayed/ beside it. Ends with 1 when something was not accepted.`;

interface ReplayFlags {
  readonly dryRun: boolean;
  readonly story?: string;
  readonly receiver?: string;
  readonly audioFolder?: string;
  readonly outboxFolder?: string;
  readonly secret?: string;
  readonly unsigned: boolean;
}

const isOfStory = ({ content }: Letter, story: string | undefined): boolean =>
  story === undefined || (content.ok && content.entry.message.payload.story_id === story);

const readReplayConfig = async (ports: CliPorts, flags: ReplayFlags): Promise<WorkerConfig> => {
  const given = await ports.readEnvironment();
  const secrets = flags.unsigned ? '' : (flags.secret ?? given['CALLBACK_SECRETS'] ?? '');
  const { config } = await readConfig(ports, {
    CALLBACK_SECRETS: secrets,
    CALLBACK_SIGNING: flags.unsigned ? 'standard' : undefined,
    AUDIO_STORE: flags.audioFolder === undefined ? undefined : 'folder',
    AUDIO_FOLDER: flags.audioFolder,
    OUTBOX_FOLDER: flags.outboxFolder,
  });
  if (secrets === '' && !flags.unsigned && !flags.dryRun)
    throw new UsageError('CALLBACK_SECRETS: is missing; --secret gives it, --unsigned sends without');
  return config;
};

const sendAll = async (
  ports: CliPorts,
  config: WorkerConfig,
  letters: readonly Letter[],
): Promise<number> => {
  const { terminal } = ports;
  const { sendLetters } = await import('../replay/send-letters.ts');
  const { tableHead, tableRow } = await import('../replay/table.ts');
  const { client, close } = await ports.openCallbackClient(config);
  let accepted = 0;
  terminal.out(tableHead('now'));
  try {
    await sendLetters(letters, client, ({ letter, isAccepted, words }) => {
      if (isAccepted) accepted += 1;
      terminal.out(tableRow(letter, words));
    });
  } finally {
    await close();
  }
  return accepted;
};

/** What was given up, as far as the flags ask for it, with the address that it is sent to. */
const chooseLetters = async (
  records: RecordLibrary,
  outboxFolder: string,
  { story, receiver }: ReplayFlags,
): Promise<Letter[]> => {
  const { findLetters } = await import('../replay/find-letters.ts');
  const { redirect } = await import('../replay/redirect.ts');
  const found = await findLetters(records, outboxFolder);
  const letters = found.filter((letter) => isOfStory(letter, story));
  return receiver === undefined ? letters : letters.map((letter) => redirect(letter, receiver));
};

const replayFrom = async (
  ports: CliPorts,
  flags: ReplayFlags,
  config: WorkerConfig,
  records: RecordLibrary,
): Promise<void> => {
  const { terminal } = ports;
  const { tableHead, tableRow } = await import('../replay/table.ts');
  const letters = await chooseLetters(records, config.callbacks.outbox.folder, flags);
  if (letters.length === 0) {
    const { story } = flags;
    return terminal.out(
      story === undefined ? 'There is nothing to replay.' : `There is nothing of story ${story}.`,
    );
  }
  if (flags.dryRun) {
    terminal.out(tableHead('given up because'));
    for (const letter of letters) terminal.out(tableRow(letter, letter.cause));
    return terminal.out(`${letters.length} would be sent.`);
  }
  const accepted = await sendAll(ports, config, letters);
  terminal.out(`${accepted} of ${letters.length} accepted.`);
  if (accepted < letters.length) process.exitCode = 1;
};

const runReplay = async (ports: CliPorts, flags: ReplayFlags): Promise<void> => {
  const config = await readReplayConfig(ports, flags);
  const { checkFolder } = await import('../replay/check-folder.ts');
  const { storage, callbacks } = config;
  if (storage.kind === 'folder') await checkFolder('AUDIO_FOLDER', storage.folder);
  // Beside a bucket there may be no worker, and so no outbox, on this machine.
  if (storage.kind === 'folder' || flags.outboxFolder !== undefined)
    await checkFolder('OUTBOX_FOLDER', callbacks.outbox.folder);
  const { records, close } = await ports.openRecords(config);
  try {
    await replayFrom(ports, flags, config, records);
  } finally {
    await close();
  }
};

/** `taleback replay` */
export const addReplayCommand = (program: Command, ports: CliPorts): void => {
  program
    .command('replay')
    .summary('send callbacks again that were given up')
    .description('Sends callbacks again that were given up.')
    .option('--dry-run', 'list, send nothing', false)
    .option('--story <id>', 'only those of one story')
    .option(
      '--receiver <url>',
      'send to this receiver, without /api/tts, in place of the one that was named',
      parseBaseUrl,
    )
    .option('--audio-folder <folder>', 'in place of the store that AUDIO_STORE names')
    .option('--outbox-folder <folder>', 'default: OUTBOX_FOLDER')
    .option('--secret <keys>', 'whsec_... and hmac_..., with commas; default: CALLBACK_SECRETS')
    .option('--unsigned', 'send without a signature', false)
    .addHelpText('after', EXAMPLES)
    .action((flags: ReplayFlags) => runReplay(ports, flags));
};
