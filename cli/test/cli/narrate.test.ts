import { randomBytes } from 'node:crypto';
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { signStandard, verifyStandard } from '@taleback/core/signatures';
import { afterEach, describe, expect, it } from 'vitest';
import { createFolderObjects } from '@taleback/worker/src/storage/folder.node.ts';
import { createLibrary } from '@taleback/worker/src/storage/library.ts';
import { parseConfig } from '@taleback/worker/src/config.ts';
import { type OpenCallbacks, openCallbacks } from '@taleback/worker/src/wiring.ts';
import { closedPort } from '../../../packages/speech/test/diagnosis/servers.ts';
import { callbackTo } from '../../../packages/outbox/test/child-message.ts';
import {
  openRecordingReceiver,
  type Recorded,
  type RecordingReceiver,
  type Reply,
} from '../../../packages/outbox/test/recording-receiver.ts';
import { BASE_ENV, type CliRun, CLI_ARGS, runCommand, runHere } from './run-cli.ts';

const KEY = randomBytes(24);
const SECRET = `whsec_${KEY.toString('base64')}`;
const GENERATE_KEY = randomBytes(24);
const GENERATE_SECRET = `whsec_${GENERATE_KEY.toString('base64')}`;
const QUEUED = { status: 200, text: '{"status":"queued","job_id":"j1","metadata":{}}' };

/** Longer than the command waits. */
const HELD_MS = 2_500;

let receiver: RecordingReceiver | undefined;
/** What the worker does with its job. */
let narration: Promise<void> = Promise.resolve();
afterEach(async () => {
  await receiver?.close();
  receiver = undefined;
});

/** A message of a worker: signed over its bytes, whoever they pass. */
const tell = async (url: string, id: string, payload: object): Promise<number> => {
  const body = Buffer.from(JSON.stringify(payload));
  const signed = signStandard({ id, timestampSeconds: Date.now() / 1000, body }, [KEY]);
  const headers = { 'content-type': 'application/json', ...signed };
  return (await fetch(url, { method: 'POST', headers, body })).status;
};

/** The callbacks of a worker on this machine, with an outbox of its own. */
const openWorkerCallbacks = async (): Promise<OpenCallbacks & { readonly remove: () => Promise<void> }> => {
  const folder = await mkdtemp(join(tmpdir(), 'taleback-narrate-'));
  const { callbacks: config, secrets } = parseConfig({
    OUTBOX_FOLDER: join(folder, 'outbox'),
    CALLBACK_SECRETS: SECRET,
    ALLOW_PRIVATE_CALLBACKS: 'on',
  });
  const records = createLibrary(createFolderObjects(join(folder, 'audio'), ''));
  const opened = await openCallbacks({ callbacks: config, secrets }, records, () => {});
  const remove = async (): Promise<void> => {
    await opened.close();
    await rm(folder, { recursive: true, force: true });
  };
  return { ...opened, remove };
};

const isSigned = ({ path, headers, body }: Recorded): boolean =>
  verifyStandard(headers, body, [path.endsWith('/generate') ? GENERATE_KEY : KEY], Date.now()).ok;

/** A receiver that takes what is signed, and a worker that narrates what it is told to. */
const openPipeline = async (
  narrate: (job: Record<string, string>) => Promise<void>,
  replyTo: (recorded: Recorded, count: number) => Reply = () => ({ status: 200 }),
): Promise<RecordingReceiver> => {
  receiver = await openRecordingReceiver((recorded, count) => {
    if (!isSigned(recorded)) return { status: 401, text: '{"success":false,"error":"signature"}' };
    if (!recorded.path.endsWith('/generate')) return replyTo(recorded, count);
    return (_, outgoing) => {
      outgoing.writeHead(QUEUED.status).end(QUEUED.text);
      narration = narrate(recorded.json as Record<string, string>);
    };
  });
  return receiver;
};

const narrate = (args: readonly string[], env: Record<string, string> = {}): Promise<CliRun> =>
  runHere(['narrate', 'Once upon a time.', '--voice', 'slt', ...args], {
    env: { GENERATE_SECRETS: GENERATE_SECRET, ...env },
  });

const progressUrl = (callbackUrl: string): string => callbackUrl.replace(/callback$/, 'progress');
const errorUrl = (callbackUrl: string): string => callbackUrl.replace(/callback$/, 'error-callback');

describe('taleback narrate', () => {
  it('follows a story to its end, and passes every callback on as it came', async () => {
    const answers: number[] = [];
    const { url, requests, jsonFor } = await openPipeline(async ({ callback_url: back = '', story_id }) => {
      const about = { story_id, job_id: 'j1' };
      await tell(progressUrl(back), 'p1', { ...about, stage: 'synthesizing', progress: 0.5 });
      // Another story is none of its business, and still passed on.
      await tell(back, 'other', { story_id: 'another', audio_url: 'http://a/other.mp3' });
      answers.push(await tell(back, 'ready', { ...about, audio_url: 'http://a/1.mp3' }));
    });
    const fields = ['--fields', '{"speed":0.9,"priority":"high"}'];
    const run = await narrate(['--receiver', url, '--story', 's1', '--title', 'A tale', ...fields]);
    expect(run).toMatchObject({ code: 0, out: 'http://a/1.mp3\n', err: 'synthesizing\n' });
    await narration;
    expect(answers).toEqual([200]);
    expect(requests.every(isSigned)).toBe(true);
    expect(jsonFor('generate')).toMatchObject([
      {
        story_id: 's1',
        voice_id: 'slt',
        text: 'Once upon a time.',
        speed: 0.9,
        priority: 'high',
        story_name: 'A tale',
      },
    ]);
    expect(requests.map(({ path }) => path)).toEqual([
      '/api/tts/generate',
      '/api/tts/progress',
      '/api/tts/callback',
      '/api/tts/callback',
    ]);
  });

  it('ends with 1 when the narration failed, in the words of the worker', async () => {
    const { url } = await openPipeline(async ({ callback_url: back = '', story_id }) => {
      await tell(errorUrl(back), 'failed', { story_id, error: 'No such voice', error_details: 'slt' });
    });
    const run = await narrate(['--receiver', url, '--json']);
    expect([run.code, run.err]).toEqual([1, 'taleback: The narration failed: No such voice (slt)\n']);
    expect(JSON.parse(run.out)).toMatchObject({ status: 'failed', error: 'No such voice' });
  });

  it('goes on when the receiver refuses a callback: the worker gets the answer, and tries again', async () => {
    const answers: number[] = [];
    const { url } = await openPipeline(
      async ({ callback_url: back = '', story_id }) => {
        const ready = { story_id, storage_path: 'audio/1.mp3' };
        answers.push(await tell(back, 'ready', ready), await tell(back, 'ready', ready));
      },
      (_, count) =>
        count === 2 ? { status: 503, headers: { 'retry-after': '5' }, text: 'away' } : { status: 200 },
    );
    const run = await narrate(['--receiver', url]);
    expect(run).toMatchObject({ code: 0, out: 'audio/1.mp3\n' });
    expect(run.err).toBe('The receiver answered 503 to callback: away\n');
    await narration;
    expect(answers).toEqual([503, 200]);
  });

  it('leaves at once when no one wants to wait', async () => {
    const { url, jsonFor } = await openPipeline(async () => {});
    expect(await narrate(['--receiver', url, '--story', 's1', '--no-wait'])).toMatchObject({
      code: 0,
      out: 's1\n',
    });
    expect(jsonFor('generate')[0]).not.toHaveProperty('callback_url');
  });

  it('gives up waiting, and says that the story goes on and how to look again', async () => {
    const { url } = await openPipeline(async () => {});
    const run = await narrate(['--receiver', url, '--story', 's 1', '--timeout', '1']);
    expect([run.code, run.out]).toEqual([3, '']);
    const [sentence, silent, again] = run.err.split('\n');
    expect(sentence).toBe(
      'taleback: No end was heard of within 1 s. The story s 1 (job j1) goes on without us.',
    );
    expect(silent).toContain('ALLOW_PRIVATE_CALLBACKS=on');
    expect(again).toMatch(
      /^ {2}Look again: taleback narrate --follow --story 's 1' --receiver http:\S+ --listen 127\.0\.0\.1:\d+$/,
    );
    expect(run.err).toContain(`taleback replay --story 's 1' --receiver ${url}`);
  });

  it('passes the end of a story on that was left, with --follow', async () => {
    let back = '';
    const { url, jsonFor } = await openPipeline(async ({ callback_url = '' }) => {
      back = callback_url;
    });
    const left = await narrate(['--receiver', url, '--story', 's1', '--timeout', '1', '--json']);
    expect(left.code).toBe(3);
    const { follow, ...told } = JSON.parse(left.out) as { follow: string };
    expect(told).toEqual({ status: 'under-way', story_id: 's1', job_id: 'j1' });
    const callbacks = await openWorkerCallbacks();
    const { payload, messageId } = callbackTo(url, 's1-j1');
    const delivery = await callbacks.client.deliver({ url: back, payload, messageId });
    // Nobody is there: the worker keeps its message, and tries again.
    expect([delivery.kind, callbacks.status().depth]).toEqual(['kept', 1]);
    const following = runCommand(follow.split(' ').slice(1), {
      env: { GENERATE_SECRETS: GENERATE_SECRET },
    });
    expect(await following).toMatchObject({ code: 0, out: 'https://cdn.example/s1-j1.mp3\n' });
    expect(jsonFor('callback')).toEqual([payload]);
    await callbacks.remove();
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('leaves its story to itself on %s', async (signal) => {
    const queued = new EventEmitter();
    const { url } = await openPipeline(async () => void queued.emit('queued'));
    const isQueued = once(queued, 'queued');
    const args = ['narrate', 'Once upon a time.', '--voice', 'slt', '--story', 's1', '--receiver', url];
    const child = spawn(process.execPath, [...CLI_ARGS, ...args], {
      env: { ...BASE_ENV, GENERATE_SECRETS: GENERATE_SECRET },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const words = text(child.stderr);
    await isQueued;
    child.kill(signal);
    const [code] = (await once(child, 'close')) as [number | null];
    expect(code).toBe(3);
    expect(await words).toMatch(/^taleback: The story s1 \(job j1\) goes on without us\.\n {2}Look again: /);
  });

  it('hears the end that is passing through when its time is up', async () => {
    const { url } = await openPipeline(
      async ({ callback_url: back = '', story_id }) => {
        await tell(back, 'ready', { story_id, audio_url: 'http://a/1.mp3' });
      },
      () => (_, outgoing) => {
        void wait(HELD_MS).then(() => outgoing.writeHead(200).end('{"success":true}'));
      },
    );
    const run = narrate(['--receiver', url, '--timeout', '1']);
    expect(await run).toMatchObject({ code: 0, out: 'http://a/1.mp3\n' });
    await narration;
  });

  it('passes nothing on but callbacks', async () => {
    const answers: number[] = [];
    const { url, requests } = await openPipeline(async ({ callback_url: back = '', story_id }) => {
      const there = new URL('/health', back);
      answers.push((await fetch(there)).status, await tell(there.href, 'x', {}));
      answers.push(await tell(`${new URL(back).origin}//elsewhere.example/api/tts/callback`, 'x', {}));
      answers.push(await tell(back, 'large', { story_id, filler: 'x'.repeat(300_000) }));
      await tell(back, 'ready', { story_id, audio_url: 'http://a/1.mp3' });
    });
    expect(await narrate(['--receiver', url])).toMatchObject({ code: 0 });
    await narration;
    expect(answers).toEqual([404, 404, 404, 413]);
    expect(requests).toHaveLength(2);
  });

  it('says that the receiver refuses it, or is not there', async () => {
    const { url } = await openPipeline(async () => {});
    const other = `whsec_${randomBytes(24).toString('base64')}`;
    const refused = await narrate(['--receiver', url, '--secret', other]);
    expect([refused.code, refused.out]).toEqual([1, '']);
    expect(refused.err).toContain('The receiver answered 401');
    const gone = await narrate(['--receiver', `http://127.0.0.1:${await closedPort()}`]);
    expect(gone.code).toBe(1);
    expect(gone.err).toContain('cannot be reached');
  });

  it.each([
    [['--receiver', 'nowhere'], 'an http or https address'],
    [[], "required option '--receiver <url>'"],
    [['--receiver', 'http://127.0.0.1:1', '--listen', 'here'], 'must be HOST:PORT'],
    [['--receiver', 'http://127.0.0.1:1', '--follow', '--story', 's1'], '--follow needs'],
    [['--receiver', 'http://127.0.0.1:1', '--fields', '[1]'], '--fields [1]: must be a JSON object'],
    [
      ['--receiver', 'http://127.0.0.1:1', '--follow', '--story', 's1', '--listen', '127.0.0.1:1'],
      '--follow takes no TEXT',
    ],
  ])('ends with 2: %j', async (args, words) => {
    const run = await narrate(args);
    expect(run.code).toBe(2);
    expect(run.err).toContain(words);
  });
});
