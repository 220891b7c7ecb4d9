import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { WorkerConfig } from '../../config.ts';
import type { CliPorts } from '../cli-ports.ts';
import { CommandFailed, UsageError } from '../exit-code.ts';
import type { NarrationEnd } from '../narrate/narration-watch.ts';
import { parseBaseUrl, parseLongSeconds } from '../parse-option.ts';
import { createProgressBar } from '../progress-bar.ts';
import { readConfig } from '../read-config.ts';
import { readText } from '../read-text.ts';

const EXAMPLES = `
Examples:
  taleback narrate "Once upon a time." --receiver http://127.0.0.1:5000 --voice slt
  taleback narrate --file tale.txt --receiver https://your-site.example --voice slt --no-wait

The story takes the whole way: receiver, queue, worker, audio store, callbacks. To see how it goes, this command stands
between the worker and the receiver and passes every callback on, so the worker has to reach it: on this machine with
ALLOW_PRIVATE_CALLBACKS=on, elsewhere through --listen and --callback. Ends with 0 when the story is ready.`;

interface NarrateFlags {
  readonly receiver: string;
  readonly voice: string;
  readonly language: string;
  readonly file?: string;
  readonly story?: string;
  readonly user: string;
  readonly title?: string;
  readonly secret?: string;
  readonly listen: string;
  readonly callback?: string;
  readonly wait: boolean;
  readonly timeout: number;
  readonly json: boolean;
}

const parseListen = (text: string): { readonly host: string; readonly port: number } => {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host === undefined || !(port <= 65_535))
    throw new UsageError(`--listen ${text}: must be HOST:PORT, such as 127.0.0.1:0`);
  return { host, port };
};

const waitForEnd = async (
  ended: Promise<NarrationEnd>,
  timeoutSeconds: number,
  signal: AbortSignal,
): Promise<NarrationEnd> => {
  const { tryWithDeadline } = await import('@taleback/resilience');
  const outcome = await tryWithDeadline(() => ended, timeoutSeconds * 1000, { signal });
  if (outcome.kind === 'completed') return outcome.value;
  if (outcome.kind === 'aborted') throw new CommandFailed('It goes on without us: nobody waits for its end.');
  throw new CommandFailed(
    `No end was heard of within ${timeoutSeconds} s. Does a worker run, and may it call back here (ALLOW_PRIVATE_CALLBACKS=on)?`,
  );
};

const tellEnd = ({ terminal }: CliPorts, flags: NarrateFlags, { kind, payload }: NarrationEnd): void => {
  if (flags.json) terminal.out(JSON.stringify({ status: kind, ...payload }, null, 2));
  if (kind === 'failed') {
    const { error, error_details: details } = payload;
    const more = typeof details === 'string' && details !== error ? ` (${details})` : '';
    throw new CommandFailed(`The narration failed: ${String(error)}${more}`);
  }
  if (!flags.json) terminal.out(String(payload['audio_url'] ?? payload['storage_path']));
};

const narrateStory = async (
  ports: CliPorts,
  flags: NarrateFlags,
  config: WorkerConfig,
  text: string,
): Promise<void> => {
  const { terminal } = ports;
  const { signingOf } = await import('../../config.ts');
  const { askGenerate } = await import('../narrate/ask-generate.ts');
  const { openCallbackRelay } = await import('../narrate/callback-relay.ts');
  const { watchNarration } = await import('../narrate/narration-watch.ts');
  const storyId = flags.story ?? `cli-${randomUUID()}`;
  const body = {
    story_id: storyId,
    user_id: flags.user,
    voice_id: flags.voice,
    text,
    language: flags.language,
    ...(flags.title === undefined ? {} : { story_name: flags.title }),
  };
  const { post, close } = await ports.openPost();
  const asking = { post, receiverUrl: flags.receiver, ...signingOf(config.callbacks, config.secrets) };
  try {
    if (!flags.wait) {
      const jobId = await askGenerate(body, asking);
      return terminal.out(flags.json ? JSON.stringify({ story_id: storyId, job_id: jobId }) : storyId);
    }
    const bar = createProgressBar('Narrating', terminal.isErrTty ? terminal.err : undefined);
    let told = '';
    const watch = watchNarration({
      storyId,
      onProgress: (stage, fraction) => {
        bar.show(fraction);
        if (!terminal.isErrTty && stage !== told) terminal.err(`${stage}\n`);
        told = stage;
      },
      onTrouble: (sentence) => {
        bar.clear();
        terminal.err(`${sentence}\n`);
      },
    });
    const where = parseListen(flags.listen);
    const relay = await openCallbackRelay({
      ...where,
      receiverUrl: flags.receiver,
      post,
      onMessage: watch.hear,
    });
    try {
      await askGenerate({ ...body, callback_url: flags.callback ?? relay.callbackUrl }, asking);
      tellEnd(ports, flags, await waitForEnd(watch.ended, flags.timeout, ports.stopSignal()));
    } finally {
      bar.clear();
      await relay.close();
    }
  } finally {
    await close();
  }
};

const runNarrate = async (ports: CliPorts, given: string | undefined, flags: NarrateFlags): Promise<void> => {
  parseListen(flags.listen);
  const text = await readText(given, flags.file, ports.terminal);
  const { config } = await readConfig(ports, { CALLBACK_SECRETS: flags.secret });
  await narrateStory(ports, flags, config, text);
};

/** `taleback narrate` */
export const addNarrateCommand = (program: Command, ports: CliPorts): void => {
  program
    .command('narrate')
    .summary('put a story through the whole pipeline')
    .description('Puts a story through the whole pipeline, and shows how it goes and where the audio is.')
    .argument('[text]', 'the story; - reads standard input')
    .requiredOption('--receiver <url>', 'base address of the receiver, without /api/tts', parseBaseUrl)
    .requiredOption('--voice <id>', 'who reads')
    .option('--language <tag>', 'BCP 47', 'en')
    .option('--file <file>', 'read the story from a file')
    .option('--story <id>', 'default: a new one')
    .option('--user <id>', 'whose story it is', 'taleback-cli')
    .option('--title <words>', 'of a new story')
    .option('--secret <keys>', 'whsec_... and hmac_..., with commas; default: CALLBACK_SECRETS')
    .option('--listen <host:port>', 'where callbacks are heard', '127.0.0.1:0')
    .option('--callback <url>', 'callback address of the job, when --listen is reached through another')
    .option('--no-wait', 'leave when the job is queued')
    .option('--timeout <seconds>', 'how long to wait for the end', parseLongSeconds, 300)
    .option('--json', 'the last callback as JSON on standard output', false)
    .addHelpText('after', EXAMPLES)
    .action((text: string | undefined, flags: NarrateFlags) => runNarrate(ports, text, flags));
};
