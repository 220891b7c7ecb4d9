import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { CliPorts } from '../cli-ports.ts';
import { CommandFailed, UsageError } from '../exit-code.ts';
import type { AskOptions, GenerateBody } from '../narrate/ask-generate.ts';
import type { NarrationEnd } from '../narrate/narration-watch.ts';
import { parseListen } from '../narrate/parse-listen.ts';
import type { LeftStory } from '../narrate/story-goes-on.ts';
import { parseBaseUrl, parseLongSeconds } from '../parse-option.ts';
import { createProgressBar } from '../progress-bar.ts';
import { readConfig } from '../read-config.ts';
import { readText } from '../read-text.ts';

const EXAMPLES = `
Examples:
  taleback narrate "Once upon a time." --receiver http://127.0.0.1:5000 --voice slt
  taleback narrate --file tale.txt --receiver https://your-site.example --voice slt --no-wait
  taleback narrate --follow --story 4711 --receiver http://127.0.0.1:5000 --listen 127.0.0.1:40123

The story takes the whole way: receiver, queue, worker, audio store, callbacks. To see how it goes, this command stands
between the worker and the receiver and passes every callback on, so the worker has to reach it: on this machine with
ALLOW_PRIVATE_CALLBACKS=on, elsewhere through --listen and --callback.

When the time is up, or on Ctrl-C, the story goes on: its end waits in the outbox of the worker, and --follow passes it on,
with the same --listen. Ends with 0 when the story is ready, 1 when it failed, 3 when it goes on.`;

interface NarrateFlags {
  readonly receiver: string;
  readonly voice?: string;
  readonly language: string;
  readonly file?: string;
  readonly story?: string;
  readonly user: string;
  readonly title?: string;
  readonly secret?: string;
  readonly listen: string;
  readonly callback?: string;
  readonly follow: boolean;
  readonly wait: boolean;
  readonly timeout: number;
  readonly json: boolean;
}

/** What is asked for: a story to queue, or one to follow that was queued before. */
type Wish =
  | { readonly kind: 'new'; readonly storyId: string; readonly voiceId: string; readonly text: string }
  | { readonly kind: 'follow'; readonly storyId: string };

const readWish = async (ports: CliPorts, given: string | undefined, flags: NarrateFlags): Promise<Wish> => {
  const { follow, story, voice, file } = flags;
  const { port } = parseListen(flags.listen);
  if (follow) {
    if (story === undefined || port === 0)
      throw new UsageError('--follow needs the --story and the --listen that it was left with.');
    if (given !== undefined || file !== undefined) throw new UsageError('--follow takes no TEXT.');
    return { kind: 'follow', storyId: story };
  }
  if (voice === undefined) throw new UsageError("required option '--voice <id>' not specified");
  const text = await readText(given, file, ports.terminal);
  return { kind: 'new', storyId: story ?? `cli-${randomUUID()}`, voiceId: voice, text };
};

const bodyOf = (
  { storyId, voiceId, text }: Extract<Wish, { kind: 'new' }>,
  flags: NarrateFlags,
): GenerateBody => ({
  story_id: storyId,
  user_id: flags.user,
  voice_id: voiceId,
  text,
  language: flags.language,
  ...(flags.title === undefined ? {} : { story_name: flags.title }),
});

const tellEnd = ({ terminal }: CliPorts, flags: NarrateFlags, { kind, payload }: NarrationEnd): void => {
  if (flags.json) terminal.out(JSON.stringify({ status: kind, ...payload }, null, 2));
  if (kind === 'failed') {
    const { error, error_details: details } = payload;
    const more = typeof details === 'string' && details !== error ? ` (${details})` : '';
    throw new CommandFailed(`The narration failed: ${String(error)}${more}`);
  }
  if (!flags.json) terminal.out(String(payload['audio_url'] ?? payload['storage_path']));
};

/** Tells that nobody waits any more. @throws StoryGoesOn */
const tellLeft = async ({ terminal }: CliPorts, flags: NarrateFlags, left: LeftStory): Promise<never> => {
  const { followCommand, storyGoesOn } = await import('../narrate/story-goes-on.ts');
  if (flags.json) {
    const about = { story_id: left.storyId, job_id: left.jobId, follow: followCommand(left) };
    terminal.out(JSON.stringify({ status: 'under-way', ...about }, null, 2));
  }
  throw storyGoesOn(left);
};

/** Queues the story, if it is a new one, and passes its callbacks on until its end, or until nobody waits any more. */
const followStory = async (
  ports: CliPorts,
  flags: NarrateFlags,
  wish: Wish,
  asking: AskOptions,
): Promise<void> => {
  const { terminal } = ports;
  const { askGenerate } = await import('../narrate/ask-generate.ts');
  const { openCallbackRelay } = await import('../narrate/callback-relay.ts');
  const { watchNarration } = await import('../narrate/narration-watch.ts');
  const { tryWithDeadline } = await import('@taleback/resilience');
  const { storyId } = wish;
  const bar = createProgressBar('Narrating', terminal.isErrTty ? terminal.err : undefined);
  let told = '';
  let wasHeard = false;
  const watch = watchNarration({
    storyId,
    onProgress: (stage, fraction) => {
      wasHeard = true;
      bar.show(fraction);
      if (!terminal.isErrTty && stage !== told) terminal.err(`${stage}\n`);
      told = stage;
    },
    onTrouble: (sentence) => {
      wasHeard = true;
      bar.clear();
      terminal.err(`${sentence}\n`);
    },
  });
  const { post, receiverUrl } = asking;
  // From here on a signal is heard: what was queued must not be left without a word.
  const signal = ports.stopSignal();
  const where = parseListen(flags.listen);
  const relay = await openCallbackRelay({ ...where, receiverUrl, post, onMessage: watch.hear });
  let jobId: string | undefined;
  let isLate = false;
  try {
    if (wish.kind === 'new')
      jobId = await askGenerate(
        { ...bodyOf(wish, flags), callback_url: flags.callback ?? relay.callbackUrl },
        asking,
      );
    const outcome = await tryWithDeadline(() => watch.ended, flags.timeout * 1000, { signal });
    isLate = outcome.kind === 'timed-out';
  } finally {
    bar.clear();
    // What is passing through is passed on; all that comes later stays with its sender.
    await relay.close();
  }
  const end = watch.end();
  if (end !== undefined) return tellEnd(ports, flags, end);
  const waitedSeconds = isLate ? flags.timeout : undefined;
  const { listen } = relay;
  return tellLeft(ports, flags, {
    storyId,
    jobId,
    receiverUrl,
    listen,
    waitedSeconds,
    wasHeard,
  });
};

const runNarrate = async (ports: CliPorts, given: string | undefined, flags: NarrateFlags): Promise<void> => {
  const wish = await readWish(ports, given, flags);
  const { config } = await readConfig(ports, { CALLBACK_SECRETS: flags.secret });
  const { signingOf } = await import('@taleback/worker/src/config.ts');
  const { post, close } = await ports.openPost();
  const asking = { post, receiverUrl: flags.receiver, ...signingOf(config.callbacks, config.secrets) };
  try {
    if (flags.wait || wish.kind === 'follow') return await followStory(ports, flags, wish, asking);
    const { askGenerate } = await import('../narrate/ask-generate.ts');
    const jobId = await askGenerate(bodyOf(wish, flags), asking);
    const { storyId } = wish;
    ports.terminal.out(flags.json ? JSON.stringify({ story_id: storyId, job_id: jobId }) : storyId);
  } finally {
    await close();
  }
};

/** `taleback narrate` */
export const addNarrateCommand = (program: Command, ports: CliPorts): void => {
  program
    .command('narrate')
    .summary('put a story through the whole pipeline')
    .description('Puts a story through the whole pipeline, and shows how it goes and where the audio is.')
    .argument('[text]', 'the story; - reads standard input')
    .requiredOption('--receiver <url>', 'base address of the receiver, without /api/tts', parseBaseUrl)
    .option('--voice <id>', 'who reads; needed for a new story')
    .option('--language <tag>', 'BCP 47', 'en')
    .option('--file <file>', 'read the story from a file')
    .option('--story <id>', 'default: a new one')
    .option('--user <id>', 'whose story it is', 'taleback-cli')
    .option('--title <words>', 'of a new story')
    .option('--secret <keys>', 'whsec_... and hmac_..., with commas; default: CALLBACK_SECRETS')
    .option('--listen <host:port>', 'where callbacks are heard', '127.0.0.1:0')
    .option('--callback <url>', 'callback address of the job, when --listen is reached through another')
    .option('--follow', 'queue nothing: wait again for a story that was left', false)
    .option('--no-wait', 'leave when the job is queued')
    .option('--timeout <seconds>', 'how long to wait for the end', parseLongSeconds, 300)
    .option('--json', 'the last callback as JSON on standard output', false)
    .addHelpText('after', EXAMPLES)
    .action((text: string | undefined, flags: NarrateFlags) => runNarrate(ports, text, flags));
};
