import { randomUUID } from 'node:crypto';
import { isRecord, parseJson } from '@taleback/core/json';
import type { Command } from 'commander';
import { CommandFailed, UsageError } from '../exit-code.ts';
import type { Relayed } from '../narrate/callback-relay.node.ts';
import type { GenerateBody, Signed } from '../narrate/narration.ts';
import { parseBaseUrl, parseLongSeconds, readConfig, readText, stopSignal } from '../options.node.ts';
import { createProgressBar, terminal } from '../terminal.ts';

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
  readonly fields?: Readonly<Record<string, unknown>>;
  readonly secret?: string;
  readonly listen: string;
  readonly callback?: string;
  readonly follow: boolean;
  readonly wait: boolean;
  readonly timeout: number;
  readonly json: boolean;
}

/** Port 0 takes any free one. @throws UsageError when it is not HOST:PORT */
const parseListen = (text: string): { readonly host: string; readonly port: number } => {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host === undefined || !(port <= 65_535))
    throw new UsageError(`--listen ${text}: must be HOST:PORT, such as 127.0.0.1:0`);
  return { host, port };
};

/** @throws UsageError when it is not a JSON object */
const parseFields = (text: string): Readonly<Record<string, unknown>> => {
  const fields = parseJson(text);
  if (isRecord(fields)) return fields;
  throw new UsageError(`--fields ${text}: must be a JSON object, such as {"speed":0.9}`);
};

/** A story to follow that was queued before, or one to queue. */
interface Story {
  readonly storyId: string;
  readonly body: GenerateBody | undefined;
}

const readStory = async (given: string | undefined, flags: NarrateFlags): Promise<Story> => {
  const { follow, story, voice, file, title } = flags;
  const { port } = parseListen(flags.listen);
  if (follow) {
    if (story === undefined || port === 0)
      throw new UsageError('--follow needs the --story and the --listen that it was left with.');
    if (given !== undefined || file !== undefined) throw new UsageError('--follow takes no TEXT.');
    return { storyId: story, body: undefined };
  }
  if (voice === undefined) throw new UsageError("required option '--voice <id>' not specified");
  const text = await readText(given, file);
  const storyId = story ?? `cli-${randomUUID()}`;
  const ids = { story_id: storyId, user_id: flags.user, voice_id: voice };
  const named = title === undefined ? {} : { story_name: title };
  return { storyId, body: { ...flags.fields, ...ids, text, language: flags.language, ...named } };
};

/** How a narration ended, as the receiver accepted it. */
interface NarrationEnd {
  readonly status: 'ready' | 'failed';
  readonly payload: Readonly<Record<string, unknown>>;
}

/** Shows the callbacks of one story, up to the first end that the receiver accepted. */
const watchStory = (storyId: string) => {
  const bar = createProgressBar('Narrating', terminal.live);
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const seen = { end: undefined as NarrationEnd | undefined, wasHeard: false };
  let shownStage = '';
  const onMessage = ({ kind, body, status, words }: Relayed): void => {
    if (body['story_id'] !== storyId) return;
    seen.wasHeard = true;
    if (kind === 'progress') {
      const { stage, progress } = body;
      bar.show(typeof progress === 'number' ? progress : 0);
      if (terminal.live === undefined && stage !== shownStage) terminal.err(`${String(stage)}\n`);
      shownStage = String(stage);
    } else if (status === undefined || status < 200 || status > 299) {
      // It changes nothing: the worker tries again.
      bar.clear();
      const answer = status === undefined ? 'did not answer' : `answered ${status}`;
      terminal.err(`The receiver ${answer} to ${kind}: ${words}\n`);
    } else if (kind === 'callback' || kind === 'error-callback') {
      seen.end ??= { status: kind === 'callback' ? 'ready' : 'failed', payload: body };
      resolve();
    }
  };
  return { bar, ended, seen, onMessage };
};

const reportEnd = ({ json }: NarrateFlags, { status, payload }: NarrationEnd): void => {
  if (json) terminal.out(JSON.stringify({ status, ...payload }, null, 2));
  if (status === 'failed') {
    const { error, error_details: details } = payload;
    const more = typeof details === 'string' && details !== error ? ` (${details})` : '';
    throw new CommandFailed(`The narration failed: ${String(error)}${more}`);
  }
  if (!json) terminal.out(String(payload['audio_url'] ?? payload['storage_path']));
};

/** Queues the story, if it is a new one, and passes its callbacks on until its end, the timeout or a signal. */
const followStory = async ({ storyId, body }: Story, flags: NarrateFlags, signed: Signed): Promise<void> => {
  const { followCommand, requestNarration, storyGoesOn } = await import('../narrate/narration.ts');
  const { openCallbackRelay } = await import('../narrate/callback-relay.node.ts');
  const { tryWithDeadline } = await import('@taleback/resilience');
  const { receiver: receiverUrl } = flags;
  const { bar, ended, seen, onMessage } = watchStory(storyId);
  // A signal is handled from here on: a story that was queued must not be left without a word.
  const signal = stopSignal();
  const { post } = signed;
  const names = [URL.parse(flags.callback ?? '')?.hostname ?? ''];
  const listen = parseListen(flags.listen);
  const relay = await openCallbackRelay({ ...listen, names, receiverUrl, post, onMessage });
  let jobId: string | undefined;
  let isLate = false;
  try {
    if (body !== undefined) {
      const callback_url = flags.callback ?? relay.callbackUrl;
      jobId = await requestNarration({ ...body, callback_url }, receiverUrl, signed);
    }
    const outcome = await tryWithDeadline(() => ended, flags.timeout * 1000, { signal });
    isLate = outcome.kind === 'timed-out';
  } finally {
    bar.clear();
    // Requests under way are passed on; all that comes later stays with its sender.
    await relay.close();
  }
  const { end, wasHeard } = seen;
  if (end !== undefined) return reportEnd(flags, end);
  const waitedSeconds = isLate ? flags.timeout : undefined;
  const left = { storyId, jobId, receiverUrl, listen: relay.listen, waitedSeconds, wasHeard };
  if (flags.json) {
    const about = { story_id: storyId, job_id: jobId, follow: followCommand(left) };
    terminal.out(JSON.stringify({ status: 'under-way', ...about }, null, 2));
  }
  throw storyGoesOn(left);
};

/** A receiver of another kind may take it. */
const UNSIGNED: Signed['signing'] = { secrets: [], hmac: undefined };

const runNarrate = async (given: string | undefined, flags: NarrateFlags): Promise<void> => {
  const story = await readStory(given, flags);
  const { config, environment } = await readConfig();
  const { readGenerateSigning, requestNarration } = await import('../narrate/narration.ts');
  const signing = readGenerateSigning(environment, flags.secret) ?? UNSIGNED;
  const { createHttpPost } = await import('@taleback/outbox');
  // Private addresses too: a person named the receiver.
  const { post, close } = createHttpPost({ ...config.callbacks, allowPrivate: true });
  try {
    const { storyId, body } = story;
    if (flags.wait || body === undefined) return await followStory(story, flags, { signing, post });
    const jobId = await requestNarration(body, flags.receiver, { signing, post });
    terminal.out(flags.json ? JSON.stringify({ story_id: storyId, job_id: jobId }) : storyId);
  } finally {
    await close();
  }
};

export const addNarrateCommand = (program: Command): void => {
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
    .option(
      '--fields <json>',
      'further fields of the job, such as {"speed":0.9,"priority":"high"}',
      parseFields,
    )
    .option('--secret <keys>', 'whsec_... and hmac_..., with commas; default: GENERATE_SECRETS')
    .option('--listen <host:port>', 'where callbacks are heard', '127.0.0.1:0')
    .option('--callback <url>', 'callback address of the job, when --listen is reached through another')
    .option('--follow', 'queue nothing: wait again for a story that was left', false)
    .option('--no-wait', 'leave when the job is queued')
    .option('--timeout <seconds>', 'how long to wait for the end', parseLongSeconds, 300)
    .option('--json', 'the last callback as JSON on standard output', false)
    .addHelpText('after', EXAMPLES)
    .action(runNarrate);
};
