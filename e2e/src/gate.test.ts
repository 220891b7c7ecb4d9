import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { signHmac } from '@taleback/core/signatures';
import { inRoot } from '@taleback/scripts/src/paths.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostileBodies, post, type ServedFunction, serveFunction } from './framework.ts';

const SECRET = 'shared-with-the-python-handlers';
const GENERATE_SECRET = 'shared-with-the-server-of-the-app';
/** An idle process has 130 MB; the platform's own parser took 416 MB for the smallest of the bodies. */
const MAX_PEAK_BYTES = 200_000_000;
const bodies = hostileBodies();

let logs: string;
beforeAll(async () => {
  logs = await mkdtemp(join(tmpdir(), 'taleback-gate-'));
});
afterAll(() => rm(logs, { recursive: true }));

describe.each([
  ['tts', '/api/tts/callback', { success: false, error: expect.any(String) }],
  ['requestStoryAudio', '/', { error: { status: 'INVALID_ARGUMENT', message: expect.any(String) } }],
])('the deployed function %s', (target, path, shape) => {
  let served: ServedFunction;
  beforeAll(async () => {
    served = await serveFunction(inRoot('functions/dist'), target, logs, {
      CALLBACK_SECRETS: `hmac_${SECRET}`,
      FIRESTORE_EMULATOR_HOST: '127.0.0.1:9',
      GCLOUD_PROJECT: 'demo-gate',
    });
  });
  afterAll(() => served.stop());

  const signed = (text: string | Buffer, contentType: string): Promise<Response> => {
    const body = Buffer.from(text as string);
    const proof = signHmac({ method: 'POST', path, timestampMs: Date.now(), body }, SECRET, 'taleback');
    return post(served.baseUrl + path, { body, headers: { ...proof, 'content-type': contentType } });
  };

  const expectRefused = async (answer: Response, status: number): Promise<void> => {
    const text = await answer.text();
    expect({ status: answer.status, text }).toEqual({ status, text: expect.stringMatching(/^\{.*\}$/) });
    expect(JSON.parse(text)).toEqual(shape);
    expect(text).not.toMatch(/node_modules|\.js/);
  };

  it.each(Object.keys(bodies))('refuses %s in little memory', async (name) => {
    const hostile = bodies[name];
    if (hostile === undefined) throw new Error(name);
    await expectRefused(await post(served.baseUrl + path, hostile), 413);
    expect(await served.peakBytes()).toBeLessThan(MAX_PEAK_BYTES);
  });

  // The benchmark sends twelve of each at once.
  it('refuses all of them at once', async () => {
    const all = Object.values(bodies);
    const answers = await Promise.all(all.map((hostile) => post(served.baseUrl + path, hostile)));
    for (const answer of answers) await expectRefused(answer, 413);
    expect(await served.peakBytes()).toBeLessThan(MAX_PEAK_BYTES);
  });

  it.each([
    ['broken JSON', '{"story_id":', 'application/json'],
    ['another charset', Buffer.from('{"a":1}', 'utf16le'), 'application/json; charset=utf-16'],
    ['a charset that does not exist', '{"a"', 'application/json; charset=nonsense'],
    ['a form', 'a=1', 'application/x-www-form-urlencoded'],
    ['nothing', '', 'application/json'],
  ])('answers %s in our JSON', async (_, text, contentType) => {
    const status = target === 'tts' && !contentType.includes('json') ? 415 : 400;
    await expectRefused(await signed(text, contentType), status);
    expect.hasAssertions();
  });

  it("reads Python's NaN", async () => {
    const python = '{"story_id":"s","error":"e","metadata":{"score":NaN}}';
    // It has no audio, or no data: that is judged after parsing.
    expect(await (await signed(python, 'application/json')).text()).toMatch(/audio_url|object with/);
  });

  it('logs no body', async () => {
    expect(await readFile(join(logs, `${target}.log`), 'utf8')).not.toContain('story_id');
  });
});

describe('the deployed function tts', () => {
  const REFUSALS = 3;
  let served: ServedFunction;
  beforeAll(async () => {
    served = await serveFunction(inRoot('functions/dist'), 'tts', logs, {
      CALLBACK_SECRETS: `hmac_${SECRET}`,
      GENERATE_SECRETS: `hmac_${GENERATE_SECRET}`,
      CALLER_REFUSALS_PER_MINUTE: String(REFUSALS),
      FIRESTORE_EMULATOR_HOST: '127.0.0.1:9',
      GCLOUD_PROJECT: 'demo-gate',
    });
  });
  afterAll(() => served.stop());

  /** @param from what Google's front end makes of `X-Forwarded-For` */
  const statusOf = async (secret: string, from: string, path = '/api/tts/callback'): Promise<number> => {
    const body = Buffer.from('{}');
    const proof = signHmac({ method: 'POST', path, timestampMs: Date.now(), body }, secret, 'taleback');
    const answer = await post(served.baseUrl + path, {
      body,
      headers: { ...proof, 'x-forwarded-for': from },
    });
    await answer.arrayBuffer();
    return answer.status;
  };

  it('takes no secret for another purpose', async () => {
    const from = '192.0.2.1';
    expect(await statusOf(SECRET, from)).toBe(422);
    expect(await statusOf(GENERATE_SECRET, from)).toBe(401);
    expect(await statusOf(GENERATE_SECRET, from, '/api/tts/generate')).toBe(422);
    expect(await statusOf(SECRET, from, '/api/tts/generate')).toBe(401);
  });

  it('waits for no body of a caller who has only ever failed, whatever addresses it invents', async () => {
    const peer = '203.0.113.9';
    const statuses: number[] = [];
    for (let invented = 0; invented < 40; invented += 1)
      statuses.push(await statusOf('a guess', `198.51.100.${invented}, ${peer}`));
    expect(statuses).toEqual([401, 401, 401, ...Array<number>(37).fill(429)]);
    const unsent = request(`${served.baseUrl}/api/tts/callback`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'content-length': 200_000,
        'x-forwarded-for': `192.0.2.77, ${peer}`,
        'x-taleback-timestamp': Date.now(),
        'x-taleback-signature': '0'.repeat(64),
      },
    });
    unsent.on('error', () => {}).flushHeaders();
    const [answer] = (await once(unsent, 'response')) as [IncomingMessage];
    // One whose body is waited for is answered 408.
    expect(answer.statusCode).toBe(429);
    expect(answer.headers).toMatchObject({ connection: 'close', 'retry-after': expect.any(String) });
    unsent.destroy();
  });

  it('shuts out no one else behind Firebase Hosting, and no one who has shown a valid signature', async () => {
    const hosting = '34.96.0.1';
    expect(await statusOf(SECRET, `192.0.2.2, ${hosting}`)).toBe(422);
    for (const stranger of ['192.0.2.2', '192.0.2.3'])
      for (let time = 0; time < 10; time += 1) await statusOf('a guess', `${stranger}, ${hosting}`);
    expect(await statusOf(SECRET, `192.0.2.2, ${hosting}`)).toBe(422);
    expect(await statusOf(SECRET, `192.0.2.3, ${hosting}`)).toBe(429);
    expect(await statusOf(SECRET, `192.0.2.4, ${hosting}`)).toBe(422);
  });
});
