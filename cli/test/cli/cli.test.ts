import { randomBytes } from 'node:crypto';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { formatDeadLetter } from '@taleback/outbox';
import {
  closedPort,
  openHttp,
  openSilent,
  type TestServer,
} from '../../../packages/speech/test/diagnosis/servers.ts';
import { openKokoroServer } from '../../../packages/speech/test/engines/simulators/kokoro-server.ts';
import { messageTo } from '../../../packages/outbox/test/child-message.ts';
import {
  openRecordingReceiver,
  type RecordingReceiver,
} from '../../../packages/outbox/test/recording-receiver.ts';
import { type CliFolder, openCliFolder, PATIENT } from './cli-folder.ts';
import { BASE_ENV, type CliRun, CLI_ARGS, runCommand, runHere } from './run-cli.ts';

let home: CliFolder;
let folder: string;
let env: Record<string, string>;
let server: TestServer | undefined;
let receiver: RecordingReceiver | undefined;

beforeEach(async () => {
  home = await openCliFolder();
  folder = home.path;
  env = { ...home.env, CALLBACK_SECRETS: `whsec_${randomBytes(24).toString('base64')}` };
});
afterEach(async () => {
  await server?.close();
  await receiver?.close();
  server = undefined;
  receiver = undefined;
  await home.remove();
});

const taleback = (args: readonly string[]): Promise<CliRun> => runHere(args, { env, cwd: folder });
/** The same as a process, for one of each kind of end. */
const talebackProcess = (args: readonly string[], input = ''): Promise<CliRun> =>
  runCommand(args, { env, cwd: folder, input });

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('taleback', () => {
  it('helps, and names its version', async () => {
    const help = await talebackProcess(['--help']);
    expect([help.code, help.err]).toEqual([0, '']);
    for (const name of ['worker', 'doctor', 'synthesize', 'narrate', 'breaker', 'replay', 'batch']) {
      expect(help.out).toContain(`  ${name}`);
      const own = await taleback([name, '--help']);
      expect(own.code).toBe(0);
      expect(own.out).toContain('Examples:');
    }
    expect(await talebackProcess(['--version'])).toMatchObject({ code: 0, out: '0.1.0\n' });
  });

  it('loads nothing heavy for its help', async () => {
    const { err } = await runCommand(['--help'], { env: { NODE_DEBUG: 'esm' }, cwd: folder });
    expect(err).toContain('commander');
    expect(err).not.toMatch(/node_modules\/(zod|undici|pino|@google-cloud|ws)\//);
  });

  it.each([
    [['docter'], "unknown command 'docter' (Did you mean doctor?)"],
    [['doctor', '--jsn'], "unknown option '--jsn' (Did you mean --json?)"],
    [['breaker', 'lst'], "unknown command 'lst' (Did you mean list?)"],
    [['synthesize', 'Hello'], "required option '--out <file>' not specified"],
    [['synthesize', 'Hello', '--out', 'x.ogg'], '--out x.ogg: must end in .mp3 or .wav'],
    [['synthesize', 'Hello', '--file', 'x', '--out', 'x.mp3'], 'Give TEXT or --file, not both.'],
    [['synthesize', '--file', 'absent.txt', '--out', 'x.mp3'], '--file absent.txt: ENOENT'],
    [['synthesize', 'Hello', '--out', 'x.mp3', '--speed', '9'], 'from 0.5 to 2'],
    [['synthesize', 'Hello', '--out', 'x.mp3', '--engine', 'nope'], 'ENGINES: must be some of flite'],
    [['doctor', '--engine', 'nope'], 'ENGINES: must be some of flite'],
    [['doctor', '--receiver', 'ftp://x'], 'an http or https address'],
    [['batch', 'absent.jsonl'], 'absent.jsonl: ENOENT: no such file'],
    [['batch', 'audio'], 'audio: EISDIR'],
    [['replay', '--audio-folder', '/nowhere', '--dry-run'], 'AUDIO_FOLDER: there is no folder /nowhere'],
  ])('says in one sentence what is wrong, and ends with 2: %j', async (args, words) => {
    const run = await taleback(args);
    expect(run.err).toContain(words);
    expect(run.err).toMatch(/^taleback: [^\n]+\n$/);
    expect([run.code, run.out]).toEqual([2, '']);
    expect(await readdir(folder)).not.toContain('x.mp3');
  });

  it.each([['doctor'], ['breaker', 'list']])(
    'cannot begin with a configuration like this: %s',
    async (...args) => {
      env['HEALTH_PORT'] = 'many';
      const run = await taleback(args);
      expect(run.code).toBe(2);
      expect(run.err).toMatch(/^taleback: configuration: HEALTH_PORT: [^\n]+\n$/);
    },
  );

  it('shows its help and ends with 2 when nothing is asked', async () => {
    const run = await talebackProcess([]);
    expect([run.code, run.out]).toEqual([2, '']);
    expect(run.err).toContain('Usage: taleback');
  });
});

describe('taleback doctor', () => {
  // Takes no process to start, unlike flite: for what is not about engines.
  let kokoroUrl: string;
  beforeAll(async () => {
    const kokoro = await openKokoroServer({ port: 0 });
    kokoroUrl = kokoro.baseUrl;
    return () => kokoro.close();
  });
  beforeEach(() => Object.assign(env, { ENGINES: 'kokoro', KOKORO_URL: kokoroUrl }));

  interface Told {
    readonly ok: boolean;
    readonly checks: readonly {
      name: string;
      group: string;
      status: string;
      code?: string;
      summary: string;
    }[];
  }
  const examine = async (...args: string[]): Promise<{ run: CliRun; told: Told }> => {
    const run = await taleback(['doctor', '--json', ...PATIENT, ...args]);
    return { run, told: JSON.parse(run.out) as Told };
  };
  const codeOf = ({ checks }: Told, name: string): string | undefined =>
    checks.find((check) => check.name === name)?.code;

  it('is content with a worker that has all it needs, and leaves nothing behind', async () => {
    env['ENGINES'] = 'flite';
    const { run, told } = await examine('--voice', 'slt');
    expect(told.checks.filter(({ status }) => status === 'failed')).toEqual([]);
    expect([run.code, run.err, told.ok]).toEqual([0, '', true]);
    expect(told.checks.find(({ name }) => name === 'flite')).toMatchObject({
      status: 'ok',
      group: 'engines',
    });
    expect(told.checks.find(({ name }) => name === 'circuit breakers')).toMatchObject({ status: 'skipped' });
    expect(await readdir(join(folder, 'audio'), { recursive: true })).toEqual(
      expect.not.arrayContaining([expect.stringMatching(/\.(mp3|json|txt|part)$/) as string]),
    );
  });

  it('names a service that is not there', async () => {
    env['ENGINES'] = 'kokoro,flite';
    env['KOKORO_URL'] = `http://127.0.0.1:${await closedPort()}`;
    const all = await examine();
    expect([all.run.code, codeOf(all.told, 'kokoro'), codeOf(all.told, 'flite')]).toEqual([
      1,
      'network_unreachable',
      undefined,
    ]);
    const one = await examine('--engine', 'flite');
    expect([one.run.code, one.told.checks.some(({ name }) => name === 'kokoro')]).toEqual([0, false]);
  });

  it('speaks to people, without colour where no one looks', async () => {
    const run = await talebackProcess(['doctor', ...PATIENT]);
    expect(run.code).toBe(0);
    expect(run.out).toMatch(/^Engines\n {2}✓ kokoro /);
    expect(run.out).not.toContain('\u001B');
  });

  it('names the wrong voice, and ends with 1', async () => {
    env['ENGINES'] = 'flite';
    const { run, told } = await examine('--voice', 'nobody');
    expect([run.code, told.ok, codeOf(told, 'flite')]).toEqual([1, false, 'voice_not_found']);
  });

  it('names a receiver that is not there, and one that does not accept our signature', async () => {
    const gone = await examine('--receiver', `http://127.0.0.1:${await closedPort()}`);
    expect([gone.run.code, codeOf(gone.told, 'receiver')]).toEqual([1, 'network_unreachable']);
    receiver = await openRecordingReceiver(() => ({ status: 401, text: '{"success":false}' }));
    const refused = await examine('--receiver', receiver.url);
    expect([refused.run.code, codeOf(refused.told, 'receiver')]).toEqual([1, 'credentials_invalid']);
    expect(receiver.requests[0]?.headers.get('webhook-signature')).toMatch(/^v1,/);
    expect(JSON.stringify(refused.told)).not.toContain(env['CALLBACK_SECRETS']?.slice(6));
  });

  it('asks for a narration that names nothing, with the secret of servers where there is one', async () => {
    receiver = await openRecordingReceiver(({ path }) =>
      path.endsWith('/generate')
        ? { status: 422, text: '{"success":false,"error":"story_id: must be a string"}' }
        : { status: 404, text: '{"success":false,"error":"story_id: there is no such story"}' },
    );
    const findingOf = async (): Promise<unknown> =>
      (await examine('--receiver', receiver?.url ?? '')).told.checks.find(({ name }) => name === 'generate');
    expect(await findingOf()).toMatchObject({
      status: 'skipped',
      summary: expect.stringContaining('GENERATE_SECRETS is not set here'),
    });
    env['GENERATE_SECRETS'] = 'hmac_of the servers that request narrations';
    expect(await findingOf()).toMatchObject({ status: 'ok' });
    expect(receiver.requests.at(-1)?.headers.get('x-taleback-signature')).toMatch(/^[0-9a-f]{64}$/);
    await receiver.close();
    receiver = await openRecordingReceiver(() => ({ status: 401, text: '{"success":false}' }));
    expect(await findingOf()).toMatchObject({ status: 'failed', code: 'credentials_invalid' });
  });

  it('names Pub/Sub that is not there, and skips what no one needs', async () => {
    env['JOB_SOURCE'] = 'pubsub';
    env['PUBSUB_EMULATOR_HOST'] = `127.0.0.1:${await closedPort()}`;
    env['GOOGLE_CLOUD_PROJECT'] = 'demo-x';
    env['FIRESTORE_EMULATOR_HOST'] = '127.0.0.1:1';
    const { run, told } = await examine();
    expect([run.code, codeOf(told, 'Pub/Sub'), codeOf(told, 'Firestore')]).toEqual([
      1,
      'network_unreachable',
      'network_unreachable',
    ]);
    env['JOB_SOURCE'] = 'runpod-dev';
    const other = await examine();
    expect(other.told.checks.find(({ name }) => name === 'Pub/Sub')).toMatchObject({ status: 'skipped' });
  });

  it('does not take a page for people for a receiver', async () => {
    receiver = await openRecordingReceiver(() => ({ status: 200, text: '<!doctype html><h1>Hello</h1>' }));
    const { run, told } = await examine('--receiver', receiver.url);
    expect([run.code, codeOf(told, 'receiver')]).toEqual([1, 'callback_undeliverable']);
    const receiverCheck = told.checks.find(({ name }) => name === 'receiver');
    expect(receiverCheck?.summary).toContain('is not a Taleback receiver');
  });

  it('names a bucket that takes connections and says nothing', async () => {
    server = await openSilent();
    Object.assign(env, {
      AUDIO_STORE: 's3',
      S3_BUCKET: 'tales',
      S3_ENDPOINT: `http://127.0.0.1:${server.port}`,
      S3_ACCESS_KEY_ID: 'id',
      S3_SECRET_ACCESS_KEY: 'key',
    });
    const run = await taleback(['doctor', '--json', '--timeout', '4']);
    const told = JSON.parse(run.out) as Told;
    const { summary } = told.checks.find(({ name }) => name === 'audio store') ?? { summary: '' };
    expect([run.code, codeOf(told, 'audio store')]).toEqual([1, 'timed_out']);
    expect(summary).toBe(
      `The bucket tales at http://127.0.0.1:${server.port}: 127.0.0.1 takes connections and does not answer.`,
    );
    expect(codeOf(told, 'outbox')).toBe('storage_unavailable');
  });

  it('says of an engine that is slow to start that it needs more time', async () => {
    const slow = join(folder, 'slow-python');
    await writeFile(slow, '#!/bin/sh\necho $$ > pid\nexec sleep 60\n', { mode: 0o755 });
    Object.assign(env, { ENGINES: 'espeak-ng', PYTHON: slow });
    const run = await taleback(['doctor', '--json', '--timeout', '3']);
    const told = JSON.parse(run.out) as Told;
    expect(told.checks.find(({ name }) => name === 'espeak-ng')).toMatchObject({
      status: 'failed',
      code: 'timed_out',
      suggestions: [expect.stringContaining('longer --timeout'), expect.anything()],
    });
    const pid = Number(await readFile(join(folder, 'pid'), 'utf8'));
    await expect.poll(() => isAlive(pid)).toBe(false);
  });

  it('names a store that cannot be written', async () => {
    await writeFile(join(folder, 'file'), '');
    env['AUDIO_FOLDER'] = join(folder, 'file', 'audio');
    const { run, told } = await examine();
    expect([run.code, codeOf(told, 'audio store')]).toEqual([1, 'storage_upload_failed']);
  });

  it('reports callbacks that were given up, and breakers of the running worker', async () => {
    const letters = join(folder, 'audio', 'failed_callbacks', '2026-01-02');
    await mkdir(letters, { recursive: true });
    await writeFile(join(letters, 's1-1.json'), '{}');
    server = await openHttp((_, response) =>
      response.end(
        JSON.stringify({
          workers: [{ id: 'w1', breaker: 'CLOSED' }],
          engines: [{ name: 'edge', breaker: 'OPEN' }],
        }),
      ),
    );
    env['HEALTH_PORT'] = String(server.port);
    const { run, told } = await examine();
    expect(told.checks.filter(({ status }) => status === 'failed')).toEqual([]);
    expect([run.code, codeOf(told, 'outbox'), codeOf(told, 'circuit breakers')]).toEqual([
      0,
      'callback_undeliverable',
      'circuit_open',
    ]);
  });

  it('is not held up by a worker that hangs', async () => {
    server = await openSilent();
    env['HEALTH_PORT'] = String(server.port);
    const run = await talebackProcess(['doctor', '--json', '--timeout', '3']);
    const told = JSON.parse(run.out) as Told;
    expect(told.checks.find(({ name }) => name === 'circuit breakers')).toMatchObject({ status: 'failed' });
    expect(run.code).toBe(1);
  });
});

describe('taleback synthesize', () => {
  it('writes MP3 and WAV by the ending, and says nothing where no one looks', async () => {
    const text = 'Once upon a time.';
    const silent = { code: 0, out: '', err: '' };
    expect(await taleback(['synthesize', text, '--out', 'a.mp3'])).toMatchObject(silent);
    await writeFile(join(folder, 'tale.txt'), text);
    const options = ['--voice', 'rms', '--speed', '1.2', '--out', 'b.wav'];
    expect(await taleback(['synthesize', '--file', 'tale.txt', ...options])).toMatchObject(silent);
    const mp3 = await readFile(join(folder, 'a.mp3'));
    expect(mp3.readUInt16BE(0) & 0xff_e0).toBe(0xff_e0);
    expect((await readFile(join(folder, 'b.wav'))).toString('latin1', 0, 4)).toBe('RIFF');
    expect((await readdir(folder)).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  it('follows a link, and writes to a pipe as it is', async () => {
    await writeFile(join(folder, 'real.wav'), 'before');
    await symlink('real.wav', join(folder, 'link.wav'));
    expect(await taleback(['synthesize', 'Hello there.', '--out', 'link.wav'])).toMatchObject({ code: 0 });
    expect(await readlink(join(folder, 'link.wav'))).toBe('real.wav');
    const sound = await readFile(join(folder, 'real.wav'));
    expect(sound.toString('latin1', 0, 4)).toBe('RIFF');

    await promisify(execFile)('mkfifo', [join(folder, 'pipe.wav')]);
    const heard = readFile(join(folder, 'pipe.wav'));
    expect(await taleback(['synthesize', 'Hello there.', '--out', 'pipe.wav'])).toMatchObject({ code: 0 });
    expect(await heard).toEqual(sound);
    expect((await stat(join(folder, 'pipe.wav'))).isFIFO()).toBe(true);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('ends on %s also while its model is loading', async (name) => {
    const model = join(folder, 'model');
    const script = `#!/bin/sh\necho begun > ${model}\nexec sleep 600\n`;
    await writeFile(join(folder, 'python'), script, { mode: 0o755 });
    env = { ...env, ENGINES: 'chatterbox-python', PYTHON: join(folder, 'python') };
    const child = spawn(process.execPath, [...CLI_ARGS, 'synthesize', 'Hello.', '--out', 'x.mp3'], {
      env: { ...BASE_ENV, ...env },
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const words = readAll(child.stderr);
    const ended = once(child, 'exit');
    await vi.waitFor(() => readFile(model), { timeout: 120_000, interval: 20 });
    child.kill(name);
    expect(await ended).toEqual([1, null]);
    expect(await words).toBe('taleback: Interrupted.\n');
    expect(await readdir(folder)).not.toContain('x.mp3');
  });

  it('reads standard input and writes standard output', async () => {
    const run = await talebackProcess(
      ['synthesize', '-', '--out', '-', '--format', 'wav'],
      'Once upon a time.',
    );
    expect([run.code, run.err]).toEqual([0, '']);
    expect(run.outBytes.toString('latin1', 8, 12)).toBe('WAVE');
    expect(run.outBytes.readUInt32LE(4)).toBe(run.outBytes.byteLength - 8);
  });

  it.each([
    [['Hello there', '--voice', 'nobody'], 'There is no voice "nobody"'],
    [['Hello there', '--language', 'xx'], 'The language "xx" is not supported'],
    [['-'], 'text'],
  ])('ends with 1 and leaves no file: %j', async (args, words) => {
    const isRead = args[0] === '-';
    const run = await (isRead ? talebackProcess : taleback)(['synthesize', ...args, '--out', 'x.mp3']);
    expect(run.err).toContain(words);
    expect(run.code).toBe(1);
    expect((await readdir(folder)).filter((name) => name.startsWith('x.mp3'))).toEqual([]);
  });
});

describe('taleback breaker', () => {
  it('says that no worker runs', async () => {
    expect(await taleback(['breaker', 'list'])).toMatchObject({ code: 1, out: '' });
    expect((await taleback(['breaker', 'reset'])).err).toMatch(/^taleback: No worker runs at http:[^\n]+\n$/);
  });

  it('lists and resets those of the running worker', async () => {
    const asked: string[] = [];
    server = await openHttp((request, response) => {
      const body: Buffer[] = [];
      request.on('data', (chunk: Buffer) => body.push(chunk));
      request.on('end', () => {
        if (request.url === '/health/status') {
          const engines = [
            { name: 'edge', breaker: 'OPEN' },
            { name: 'flite', breaker: 'CLOSED' },
          ];
          const workers = [
            {
              id: 'edge',
              breaker: 'OPEN',
              consecutiveFailures: 5,
              retryAtMs: 300_000,
              lastFailure: { code: 'audio_missing', message: 'No audio received.', atMs: 1_000 },
              lastSuccessAtMs: 0,
            },
            { id: 'flite/worker-1', breaker: 'HALF_OPEN' },
          ];
          return response.end(JSON.stringify({ engines, workers }));
        }
        const text = Buffer.concat(body).toString();
        asked.push(`${request.method} ${request.url} ${request.headers['content-type']} ${text}`);
        const { name } = JSON.parse(text) as { name?: string };
        if (name === 'nope') return response.writeHead(404).end('{"error":"There is no engine \\"nope\\"."}');
        return response.end('{"success":true}');
      });
    });
    const url = ['--url', `http://127.0.0.1:${server.port}`];
    const list = await taleback(['breaker', 'list', ...url]);
    expect(list.out.split('\n')).toEqual([
      'flite           CLOSED',
      'edge            OPEN       failed 5 in a row  next trial 1970-01-01T00:05:00.000Z  ' +
        'last failure 1970-01-01T00:00:01.000Z audio_missing: No audio received.  ' +
        'last success 1970-01-01T00:00:00.000Z',
      'flite/worker-1  HALF_OPEN',
      '',
    ]);
    expect(JSON.parse((await taleback(['breaker', 'list', '--json', ...url])).out)).toHaveLength(3);
    expect((await taleback(['breaker', 'reset', 'edge', ...url])).out).toBe(
      'Reset the circuit breakers of edge.\n',
    );
    expect((await taleback(['breaker', 'reset', ...url])).out).toBe('Reset all circuit breakers.\n');
    expect(await taleback(['breaker', 'reset', 'nope', ...url])).toMatchObject({
      code: 1,
      err: 'taleback: There is no engine "nope".\n',
    });
    expect(asked).toEqual([
      'POST /breakers/reset application/json {"name":"edge"}',
      'POST /breakers/reset application/json {}',
      'POST /breakers/reset application/json {"name":"nope"}',
    ]);
  });

  it('does not take something else for a worker', async () => {
    server = await openHttp((_, response) => response.end('hello'));
    const run = await taleback(['breaker', 'list', '--url', `http://127.0.0.1:${server.port}`]);
    expect([run.code, run.out]).toEqual([1, '']);
    expect(run.err).toContain('is no worker');
  });
});

const giveUp = async (url: string): Promise<void> => {
  const message = messageTo(url, 's1-1');
  const path = join(folder, 'audio', 'failed_callbacks', '2026-01-02');
  await mkdir(path, { recursive: true });
  await mkdir(join(folder, 'outbox'));
  const delivery = { kind: 'refused', status: 422, excerpt: 'no' } as const;
  const end = { why: 'refused', delivery, attempts: 1, atMs: 0 } as const;
  await writeFile(join(path, 's1-1.json'), formatDeadLetter({ message, createdMs: 0, ...end }));
};

describe('taleback replay', () => {
  it('sends what was given up, once', async () => {
    receiver = await openRecordingReceiver();
    await giveUp(receiver.url);
    env['ALLOW_PRIVATE_CALLBACKS'] = 'on';
    expect((await taleback(['replay', '--dry-run'])).out).toContain('1 would be sent.');
    expect(receiver.requests).toHaveLength(0);
    const run = await taleback(['replay']);
    expect(run.out).toContain('1 of 1 accepted.');
    expect(run.code).toBe(0);
    expect((await taleback(['replay'])).out).toBe('There is nothing to replay.\n');
    expect(receiver.requests).toHaveLength(1);
  });

  it('ends with 1 when something is not accepted, with 2 without a secret', async () => {
    receiver = await openRecordingReceiver(() => ({ status: 404 }));
    await giveUp(receiver.url);
    env['ALLOW_PRIVATE_CALLBACKS'] = 'on';
    expect(await taleback(['replay'])).toMatchObject({ code: 1 });
    env['CALLBACK_SECRETS'] = '';
    expect(await taleback(['replay'])).toMatchObject({ code: 2 });
  });
});

describe('taleback batch', () => {
  it('narrates a list into MP3 files with a report, also past a story that fails', async () => {
    env['SYSTEM_PROTECTION'] = 'off';
    await writeFile(join(folder, 'stories.jsonl'), '{"id":"one","text":"Once upon a time."}\nnot json\n');
    const run = await talebackProcess(['batch', 'stories.jsonl', '--out', 'tales']);
    expect([run.code, run.out]).toEqual([1, '']);
    expect(run.err).toContain('line 1: one.mp3\n');
    expect(run.err).toContain('1 of 2 narrated, 1 failed, 0 skipped: tales/report.json\n');
    expect((await readFile(join(folder, 'tales', 'one.mp3'))).readUInt16BE(0) & 0xff_e0).toBe(0xff_e0);
    const report = JSON.parse(await readFile(join(folder, 'tales', 'report.json'), 'utf8')) as unknown;
    expect(report).toMatchObject({ total: 2, done: 1, errorsByType: { request_invalid: 1 } });
  });
});
