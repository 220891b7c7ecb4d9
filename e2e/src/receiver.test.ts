import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createNames } from '@taleback/core';
import { signHmac } from '@taleback/core/signatures';
import { afterAll, beforeAll, expect, it } from 'vitest';

const RUNNER = fileURLToPath(new URL('../../scripts/run.mjs', import.meta.url));
const SECRET = 'shared-with-the-senders-of-callbacks';
const GENERATE_SECRET = 'shared-with-the-server-of-the-app';

interface Addresses {
  readonly url: string;
  readonly firestore: string;
  readonly pubsub: string;
  readonly project: string;
}

let program: ChildProcess;
let addresses: Addresses;
const lines: string[] = [];

beforeAll(async () => {
  const { FIRESTORE_EMULATOR_HOST: _, PUBSUB_EMULATOR_HOST: __, ...env } = process.env;
  program = spawn(process.execPath, [RUNNER, 'start', '--receiver', '--json'], {
    env: {
      ...env,
      CALLBACK_SECRETS: `hmac_${SECRET}`,
      GENERATE_SECRETS: `hmac_${GENERATE_SECRET}`,
      GOOGLE_CLOUD_PROJECT: 'demo-standalone',
    },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const output = createInterface({ input: program.stdout as NodeJS.ReadableStream });
  output.on('line', (line) => lines.push(line));
  await once(output, 'line');
  addresses = JSON.parse(lines[0] ?? '') as Addresses;
}, 120_000);
afterAll(() => program.kill('SIGKILL'));

const isOpen = async (address: string): Promise<boolean> => {
  const { hostname, port } = new URL(`http://${address}`);
  const socket = connect(Number(port), hostname);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
};

/** The story in the emulator, which takes the bearer "owner" for an administrator. */
const story = async (method: 'GET' | 'PATCH', fields?: object): Promise<Record<string, unknown>> => {
  const path = `databases/(default)/documents/${createNames().collections.stories}/s1`;
  const answer = await fetch(`http://${addresses.firestore}/v1/projects/${addresses.project}/${path}`, {
    method,
    headers: { authorization: 'Bearer owner', 'content-type': 'application/json' },
    ...(fields === undefined ? {} : { body: JSON.stringify({ fields }) }),
  });
  return ((await answer.json()) as { readonly fields: Record<string, unknown> }).fields;
};

it('prints its addresses in one line, and nothing else', () => {
  expect(addresses).toEqual({
    url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
    firestore: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    pubsub: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    project: 'demo-standalone',
  });
  expect(lines).toHaveLength(1);
});

it('takes signed callbacks only, and writes them to the story', async () => {
  await story('PATCH', { userId: { stringValue: 'u1' }, audioStatus: { stringValue: 'processing' } });
  const body = JSON.stringify({ story_id: 's1', error: 'CUDA out of memory' });
  const path = '/api/tts/error-callback';
  const post = async (headers: Record<string, string>): Promise<number> => {
    const json = { 'content-type': 'application/json' };
    return (await fetch(addresses.url + path, { method: 'POST', headers: { ...json, ...headers }, body }))
      .status;
  };
  expect(await post({})).toBe(401);
  const message = { method: 'POST', path, timestampMs: Date.now(), body: Buffer.from(body) };
  expect(await post(signHmac(message, SECRET, 'taleback'))).toBe(200);
  expect(await story('GET')).toMatchObject({
    audioStatus: { stringValue: 'failed' },
    audioErrorCode: { stringValue: 'gpu_out_of_memory' },
  });
});

const send = async (method: string, url: string, body: unknown, headers = {}): Promise<unknown> => {
  const json = { 'content-type': 'application/json', ...headers };
  return (await fetch(url, { method, headers: json, body: JSON.stringify(body) })).json();
};

const statusOfHealth = async (headers: Record<string, string>): Promise<number | undefined> => {
  const asked = request(`${addresses.url}/api/tts/health`, { headers }).end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  answer.resume();
  return answer.statusCode;
};

it('is reached by its own names only, and not from pages of other sites', async () => {
  expect(await statusOfHealth({})).toBe(200);
  expect(await statusOfHealth({ host: 'localhost' })).toBe(200);
  expect(await statusOfHealth({ host: 'rebound.example' })).toBe(403);
  expect(await statusOfHealth({ origin: 'https://other.example' })).toBe(403);
});

it('queues jobs that call back to it', async () => {
  const { topics } = createNames();
  const project = `http://${addresses.pubsub}/v1/projects/${addresses.project}`;
  const subscription = `${project}/subscriptions/a-reader`;
  const topic = `projects/${addresses.project}/topics/${topics.jobs}`;
  await send('PUT', subscription, { topic });
  const path = '/api/tts/generate';
  const job = { story_id: 's2', user_id: 'u1', voice_id: 'slt', text: 'Once upon a time.' };
  const body = Buffer.from(JSON.stringify(job));
  const proofBy = (secret: string): Record<string, string> =>
    signHmac({ method: 'POST', path, timestampMs: Date.now(), body }, secret, 'taleback');
  const proof = proofBy(GENERATE_SECRET);
  expect(await send('POST', addresses.url + path, job, proofBy(SECRET))).toMatchObject({ success: false });
  expect(await send('POST', addresses.url + path, job, proof)).toMatchObject({ status: 'queued' });
  const pulled = await send('POST', `${subscription}:pull`, { maxMessages: 1 });
  const [received] = (pulled as { receivedMessages: { message: { data: string } }[] }).receivedMessages;
  expect(JSON.parse(Buffer.from(received?.message.data ?? '', 'base64').toString())).toMatchObject({
    input: { metadata: { callback_url: `${addresses.url}/api/tts/callback` } },
  });
});

it('ends at a signal, with its emulators', async () => {
  const { url, firestore, pubsub } = addresses;
  const all = [new URL(url).host, firestore, pubsub];
  expect(await Promise.all(all.map(isOpen))).toEqual([true, true, true]);
  program.kill('SIGTERM');
  await once(program, 'exit');
  expect(await Promise.all(all.map(isOpen))).toEqual([false, false, false]);
}, 60_000);
