import { parseArgs } from 'node:util';
import { createCallbackClient } from '@taleback/worker/callbacks';
import { parseConfig, signingOf } from '@taleback/worker/config';
import { createUndiciPost } from '@taleback/worker/undici-post';
import { findLetters, type Letter } from './replay/find-letters.ts';
import { sendLetters } from './replay/send-letters.ts';
import { tableHead, tableRow } from './replay/table.ts';

const USAGE = `Sends callbacks again that were given up: those in failed_callbacks/ of the audio folder and in set-aside/ of the
outbox folder. What is accepted moves to replayed/ beside them.

  npm run replay -- --dry-run
  npm run replay -- [--story ID] [--audio-folder DIR] [--outbox-folder DIR] [--secret KEY,KEY]

  --dry-run            lists, sends nothing
  --story ID           only those of one story
  --audio-folder DIR   default AUDIO_FOLDER, as the worker reads it
  --outbox-folder DIR  default OUTBOX_FOLDER
  --secret KEY,KEY     whsec_... and hmac_...; default CALLBACK_SECRETS
  --unsigned           sends without a signature

CALLBACK_SIGNING, HMAC_HEADER_PREFIX and ALLOW_PRIVATE_CALLBACKS are read as the worker reads them.
Ends with 1 when something was not accepted, with 2 when it could not begin.
`;

/** A person waits: three tries within a few seconds. */
const RETRY = {
  maxAttempts: 3,
  backoff: { kind: 'exponential', initialMs: 500, maxMs: 2_000, jitter: 'equal' },
  maxRetryAfterMs: 10_000,
} as const;

const OPTIONS = {
  'dry-run': { type: 'boolean', default: false },
  story: { type: 'string' },
  'audio-folder': { type: 'string' },
  'outbox-folder': { type: 'string' },
  secret: { type: 'string' },
  unsigned: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

type Flags = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'];

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const isOfStory = ({ content }: Letter, story: string | undefined): boolean =>
  story === undefined || (content.ok && content.entry.message.payload.story_id === story);

const readConfig = (flags: Flags): ReturnType<typeof parseConfig> => {
  const secrets = flags.unsigned ? '' : (flags.secret ?? process.env['CALLBACK_SECRETS'] ?? '');
  const config = parseConfig({
    ...process.env,
    CALLBACK_SECRETS: secrets,
    ...(flags.unsigned ? { CALLBACK_SIGNING: 'standard' } : {}),
    ...(flags['audio-folder'] === undefined ? {} : { AUDIO_FOLDER: flags['audio-folder'] }),
    ...(flags['outbox-folder'] === undefined ? {} : { OUTBOX_FOLDER: flags['outbox-folder'] }),
  });
  if (secrets === '' && !flags.unsigned && !flags['dry-run'])
    throw new Error('CALLBACK_SECRETS: is missing; --secret gives it, --unsigned sends without');
  return config;
};

const run = async (flags: Flags): Promise<number> => {
  const config = readConfig(flags);
  const found = await findLetters(config.audio.folder, config.callbacks.outbox.folder);
  const letters = found.filter((letter) => isOfStory(letter, flags.story));
  if (letters.length === 0) {
    say(
      flags.story === undefined ? 'There is nothing to replay.' : `There is nothing of story ${flags.story}.`,
    );
    return 0;
  }
  if (flags['dry-run']) {
    say(tableHead('given up because'));
    for (const letter of letters) say(tableRow(letter, letter.cause));
    say(`${letters.length} would be sent.`);
    return 0;
  }
  const poster = createUndiciPost({ allowPrivate: config.callbacks.allowPrivate });
  const client = createCallbackClient({
    post: poster.post,
    ...signingOf(config.callbacks, config.secrets),
    retry: RETRY,
    log: () => {},
    now: Date.now,
  });
  let accepted = 0;
  say(tableHead('now'));
  await sendLetters(letters, client, ({ letter, isAccepted, words }) => {
    if (isAccepted) accepted += 1;
    say(tableRow(letter, words));
  });
  await poster.close();
  say(`${accepted} of ${letters.length} accepted.`);
  return accepted === letters.length ? 0 : 1;
};

try {
  const { values: flags } = parseArgs({ options: OPTIONS });
  if (flags.help) process.stdout.write(USAGE);
  else process.exitCode = await run(flags);
} catch (error) {
  process.stderr.write(`replay: ${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  process.exitCode = 2;
}
