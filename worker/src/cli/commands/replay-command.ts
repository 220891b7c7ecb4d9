import type { Command } from 'commander';
import type { WorkerConfig } from '../../config.ts';
import type { CliPorts } from '../cli-ports.ts';
import { UsageError } from '../exit-code.ts';
import { readConfig } from '../read-config.ts';
import type { Letter } from '../replay/find-letters.ts';

const EXAMPLES = `
Examples:
  taleback replay --dry-run
  taleback replay --story 4711
  taleback replay --audio-folder /srv/taleback --secret whsec_...

It sends what lies in failed_callbacks/ of the audio folder and in set-aside/ of the outbox folder, signed anew; what is
accepted moves to replayed/ beside it. Ends with 1 when something was not accepted.`;

interface ReplayFlags {
  readonly dryRun: boolean;
  readonly story?: string;
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

const runReplay = async (ports: CliPorts, flags: ReplayFlags): Promise<void> => {
  const { terminal } = ports;
  const config = await readReplayConfig(ports, flags);
  const { findLetters } = await import('../replay/find-letters.ts');
  const { tableHead, tableRow } = await import('../replay/table.ts');
  const found = await findLetters(config.audio.folder, config.callbacks.outbox.folder).catch(
    (error: unknown) => {
      throw new UsageError((error as Error).message);
    },
  );
  const letters = found.filter((letter) => isOfStory(letter, flags.story));
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

/** `taleback replay` */
export const addReplayCommand = (program: Command, ports: CliPorts): void => {
  program
    .command('replay')
    .summary('send callbacks again that were given up')
    .description('Sends callbacks again that were given up.')
    .option('--dry-run', 'list, send nothing', false)
    .option('--story <id>', 'only those of one story')
    .option('--audio-folder <folder>', 'default: AUDIO_FOLDER')
    .option('--outbox-folder <folder>', 'default: OUTBOX_FOLDER')
    .option('--secret <keys>', 'whsec_... and hmac_..., with commas; default: CALLBACK_SECRETS')
    .option('--unsigned', 'send without a signature', false)
    .addHelpText('after', EXAMPLES)
    .action((flags: ReplayFlags) => runReplay(ports, flags));
};
