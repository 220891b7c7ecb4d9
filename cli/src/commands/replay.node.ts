import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import type { WorkerConfig } from '@taleback/worker/src/config.ts';
import { UsageError } from '../exit-code.ts';
import { parseBaseUrl, readConfig } from '../options.node.ts';
import type { Letter } from '../replay/letters.node.ts';
import { terminal } from '../terminal.ts';

const EXAMPLES = `
Examples:
  taleback replay --dry-run
  taleback replay --story 4711
  taleback replay --audio-folder /srv/taleback --secret whsec_...
  taleback replay --story 4711 --receiver https://your-site.example

It sends what lies in failed_callbacks/ of the private store (PRIVATE_FOLDER or PRIVATE_BUCKET) and of the audio store, where
an earlier version kept it, and in set-aside/ of the outbox folder, signed again; what is accepted moves to replayed/ beside it. Ends with 1 when something was not accepted.`;

interface ReplayFlags {
  readonly dryRun: boolean;
  readonly story?: string;
  readonly receiver?: string;
  readonly audioFolder?: string;
  readonly privateFolder?: string;
  readonly outboxFolder?: string;
  readonly secret?: string;
  readonly unsigned: boolean;
}

/** A person waits: three tries within a few seconds. */
const RETRY = {
  maxAttempts: 3,
  backoff: { kind: 'exponential', initialMs: 500, maxMs: 2_000, jitter: 'equal' },
  maxRetryAfterMs: 10_000,
} as const;

/** Widths of the columns before the last, in characters. */
const WIDTHS = [24, 28, 22] as const;

const row = (...cells: readonly string[]): string =>
  cells
    .map((cell, index) => {
      const width = WIDTHS[index];
      if (width === undefined) return cell.replace(/\s+/g, ' ');
      return (cell.length > width ? `${cell.slice(0, width - 1)}…` : cell).padEnd(width);
    })
    .join('  ');

/** A letter as a line of the table: one that cannot be read is named by its file. */
const letterRow = ({ file, content }: Letter, last: string): string => {
  if (!content.ok) return row('?', '?', file, last);
  const { createdMs, message } = content.entry;
  const { story_id: storyId } = content.payload;
  const story = typeof storyId === 'string' || typeof storyId === 'number' ? String(storyId) : '?';
  return row(new Date(createdMs).toISOString(), story, message.messageId, last);
};

const expectFolder = async (variable: string, folder: string): Promise<void> => {
  const found = await stat(folder).catch(() => undefined);
  if (found?.isDirectory() !== true) throw new UsageError(`${variable}: there is no folder ${folder}`);
};

const readReplayConfig = async (flags: ReplayFlags): Promise<WorkerConfig> => {
  const { config } = await readConfig({
    CALLBACK_SECRETS: flags.unsigned ? '' : flags.secret,
    CALLBACK_SIGNING: flags.unsigned ? 'standard' : undefined,
    AUDIO_STORE: flags.audioFolder === undefined ? undefined : 'folder',
    AUDIO_FOLDER: flags.audioFolder,
    PRIVATE_FOLDER: flags.privateFolder,
    PRIVATE_BUCKET: flags.audioFolder === undefined ? undefined : '',
    OUTBOX_FOLDER: flags.outboxFolder,
  });
  const { secrets, storage, callbacks } = config;
  if (secrets.count === 0 && !flags.unsigned && !flags.dryRun)
    throw new UsageError('CALLBACK_SECRETS: is missing; --secret gives it, --unsigned sends without');
  if (storage.kind === 'folder') await expectFolder('AUDIO_FOLDER', storage.folder);
  // Beside a bucket there may be no worker, and so no outbox, on this machine.
  if (storage.kind === 'folder' || flags.outboxFolder !== undefined)
    await expectFolder('OUTBOX_FOLDER', callbacks.outbox.folder);
  return config;
};

/** Sends letters one after the other, in their order; resolves with how many were accepted. */
const sendAll = async (config: WorkerConfig, letters: readonly Letter[]): Promise<number> => {
  const { ACCEPTED, sendLetter } = await import('../replay/letters.node.ts');
  const { createCallbackClient, createHttpPost } = await import('@taleback/outbox');
  const { signingOf } = await import('@taleback/worker/src/config.ts');
  const { post, close } = createHttpPost(config.callbacks);
  const signing = signingOf(config.callbacks, config.secrets);
  const client = createCallbackClient({ post, ...signing, retry: RETRY, log: () => {}, now: Date.now });
  let accepted = 0;
  try {
    terminal.out(row('written', 'story', 'message', 'now'));
    for (const letter of letters) {
      const words = await sendLetter(letter, client);
      if (words === ACCEPTED) accepted += 1;
      terminal.out(letterRow(letter, words));
    }
    return accepted;
  } finally {
    await close();
  }
};

const runReplay = async (flags: ReplayFlags): Promise<void> => {
  const config = await readReplayConfig(flags);
  const { story, receiver } = flags;
  const { findLetters, redirect } = await import('../replay/letters.node.ts');
  const { openStores } = await import('@taleback/worker/src/storage/open-storage.ts');
  const stores = await openStores(config, { folderUrl: '' });
  try {
    const found = await findLetters(stores.withRecords, config.callbacks.outbox.folder);
    const letters = found
      .filter(({ content }) => story === undefined || (content.ok && content.payload['story_id'] === story))
      .map((letter) => (receiver === undefined ? letter : redirect(letter, receiver)));
    if (letters.length === 0)
      return terminal.out(
        story === undefined ? 'There is nothing to replay.' : `There is nothing of story ${story}.`,
      );
    if (flags.dryRun) {
      terminal.out(row('written', 'story', 'message', 'given up because'));
      for (const letter of letters) terminal.out(letterRow(letter, letter.cause));
      return terminal.out(`${letters.length} would be sent.`);
    }
    const accepted = await sendAll(config, letters);
    terminal.out(`${accepted} of ${letters.length} accepted.`);
    if (accepted < letters.length) process.exitCode = 1;
  } finally {
    await stores.close();
  }
};

export const addReplayCommand = (program: Command): void => {
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
    .option('--private-folder <folder>', 'in place of PRIVATE_FOLDER')
    .option('--outbox-folder <folder>', 'default: OUTBOX_FOLDER')
    .option('--secret <keys>', 'whsec_... and hmac_..., with commas; default: CALLBACK_SECRETS')
    .option('--unsigned', 'send without a signature', false)
    .addHelpText('after', EXAMPLES)
    .action(runReplay);
};
