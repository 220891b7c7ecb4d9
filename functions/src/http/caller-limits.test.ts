import { Readable } from 'node:stream';
import { readNarration } from '@taleback/core';
import { signStandard } from '@taleback/core/signatures';
import { createFakeClock } from '@taleback/resilience/testing';
import { describe, expect, it } from 'vitest';
import { createCallerLimits, type HttpRequest } from './call.ts';
import { createReceiver } from './router.ts';

const KEY = Buffer.alloc(24, 1);
const BODY = '{"story_id":"s","r2_path":"p"}';
const HERE = '10.0.0.1';

const requestTo = (
  path: string,
  more: { method?: string; body?: Readable; headers?: Record<string, string> } = {},
): HttpRequest => ({
  method: 'GET',
  path,
  search: '',
  body: Readable.from([]),
  ...more,
  headers: new Headers({ 'content-type': 'application/json', ...more.headers }),
});

const open = (signatures: 'required' | 'off' = 'required') => {
  const clock = createFakeClock();
  let applied = 0;
  let pings = 0;
  let messages = 0;
  const limits = { requestsPerSecond: 10, requestBurst: 5, refusalsPerMinute: 3 };
  const receiver = createReceiver({
    signatures,
    secrets: { standard: [KEY], hmac: [] },
    hmacHeaderPrefix: 'taleback',
    processingLeaseMs: 1_000,
    callerLimits: createCallerLimits(limits, clock),
    stories: {
      apply: async () => {
        applied += 1;
        return { kind: 'decided', decision: 'applied', isWanted: true, narration: readNarration({}) };
      },
      ping: async () => {
        pings += 1;
        return true;
      },
    },
    now: () => clock.now(),
    log: () => {},
  });
  let bodiesRead = 0;
  const post = async (headers: Record<string, string>, address: string, client = address) => {
    const body = new Readable({
      highWaterMark: 0,
      read() {
        bodiesRead += 1;
        this.push(Buffer.from(BODY));
        this.push(null);
      },
    });
    const request = requestTo('/api/tts/callback', { method: 'POST', body, headers });
    const answer = await receiver(request, address, client);
    return { status: answer.status, retryAfter: answer.headers['retry-after'], text: answer.body };
  };
  const signedBy = (key: Uint8Array, address: string, client?: string) => {
    messages += 1;
    const message = {
      id: `m${messages}`,
      timestampSeconds: clock.now() / 1000,
      body: Buffer.from(BODY),
    };
    return post(signStandard(message, [key]), address, client);
  };
  return {
    clock,
    applied: () => applied,
    bodiesRead: () => bodiesRead,
    pings: () => pings,
    get: async (path: string, address = HERE) => (await receiver(requestTo(path), address)).status,
    signed: (address = HERE, client?: string) => signedBy(KEY, address, client),
    forged: (address = HERE, client?: string) => signedBy(Buffer.alloc(24, 2), address, client),
    unsigned: (address = HERE) => post({}, address),
  };
};

const statusesOf = async (times: number, ask: () => Promise<{ status: number }>): Promise<number[]> => {
  const statuses: number[] = [];
  for (let time = 0; time < times; time += 1) statuses.push((await ask()).status);
  return statuses;
};

describe('a caller who shows a signature', () => {
  it('may make a burst of requests and then so many a second', async () => {
    const { clock, signed, applied } = open();
    expect(await statusesOf(6, signed)).toEqual([200, 200, 200, 200, 200, 429]);
    expect(applied()).toBe(5);
    clock.advance(100);
    expect(await statusesOf(2, signed)).toEqual([200, 429]);
  });

  it('is answered when to come back, in whole seconds', async () => {
    const { signed } = open();
    await statusesOf(5, signed);
    expect(await signed()).toEqual({
      status: 429,
      retryAfter: '1',
      text: '{"success":false,"error":"too many requests; send this again later"}',
    });
  });

  it('is limited by address', async () => {
    const { signed } = open();
    expect(await statusesOf(6, () => signed('a'))).toContain(429);
    expect((await signed('b')).status).toBe(200);
  });

  it('is never shut out by another who guesses from the same address', async () => {
    const { signed, unsigned, get } = open();
    await statusesOf(100, unsigned);
    for (let time = 0; time < 20; time += 1) await get('/nothing');
    expect(await statusesOf(5, signed)).toEqual([200, 200, 200, 200, 200]);
  });
});

describe('a caller who shows none', () => {
  it('gets the reason only so often, and then has to wait', async () => {
    const { clock, unsigned, applied } = open();
    expect(await statusesOf(5, unsigned)).toEqual([401, 401, 401, 429, 429]);
    expect((await unsigned()).retryAfter).toBe('20');
    clock.advance(20_000);
    expect(await statusesOf(2, unsigned)).toEqual([401, 429]);
    expect(applied()).toBe(0);
  });

  it('is counted whatever was wrong', async () => {
    const { get, unsigned } = open();
    expect(await get('/nothing')).toBe(404);
    expect(await get('/api/tts/callback')).toBe(405);
    expect(await statusesOf(2, unsigned)).toEqual([401, 429]);
    expect(await get('/nothing')).toBe(429);
  });
});

describe('a caller who has only ever failed', () => {
  it('is refused unread once the refusals are used up, until there is one again', async () => {
    const { clock, forged, unsigned, bodiesRead } = open();
    expect(await statusesOf(5, forged)).toEqual([401, 401, 401, 429, 429]);
    expect(bodiesRead()).toBe(3);
    expect((await forged()).retryAfter).toBe('20');
    clock.advance(20_000);
    expect(await statusesOf(2, forged)).toEqual([401, 429]);
    expect(bodiesRead()).toBe(4);
    expect(await statusesOf(5, () => unsigned('there'))).toEqual([401, 401, 401, 429, 429]);
    expect(bodiesRead()).toBe(7);
  });

  it('keeps out a first valid signature from there for no longer', async () => {
    const { clock, forged, signed, applied } = open();
    await statusesOf(50, forged);
    expect((await signed()).status).toBe(429);
    clock.advance(20_000);
    expect((await signed()).status).toBe(200);
    expect(applied()).toBe(1);
  });

  it('is another than one who has shown a valid signature, whose bodies are read', async () => {
    const { forged, signed, unsigned, bodiesRead } = open();
    await signed();
    await statusesOf(50, forged);
    expect(bodiesRead()).toBe(51);
    expect(await statusesOf(4, signed)).toEqual([200, 200, 200, 200]);
    // What has no signature cannot become valid.
    await statusesOf(50, unsigned);
    expect(bodiesRead()).toBe(55);
  });

  it('shuts out no other client behind the same proxy', async () => {
    const { forged, signed } = open();
    await statusesOf(100, () => forged('proxy', 'stranger via proxy'));
    expect(await statusesOf(2, () => signed('proxy', 'a via proxy'))).toEqual([200, 200]);
    expect((await signed('proxy', 'b via proxy')).status).toBe(200);
  });

  it('gains little by inventing clients: ten of them, and then the address counts', async () => {
    const { forged, bodiesRead } = open();
    let invented = 0;
    const invent = () => forged(HERE, `${(invented += 1)} via ${HERE}`);
    expect(await statusesOf(100, invent)).toEqual([401, 401, 401, ...Array<number>(97).fill(429)]);
    expect(bodiesRead()).toBe(30);
  });
});

describe('health', () => {
  it('is asked for within limits of its own', async () => {
    const { get, signed } = open();
    const statuses: number[] = [];
    for (let time = 0; time < 6; time += 1) statuses.push(await get('/api/tts/health'));
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429]);
    expect((await signed()).status).toBe(200);
  });

  it('asks the store once in five seconds for all callers', async () => {
    const { clock, get, pings } = open();
    const health = (address: string) => get('/api/tts/health', address);
    await Promise.all([health('1.1.1.1'), health('2.2.2.2')]);
    clock.advance(4_999);
    await health('3.3.3.3');
    expect(pings()).toBe(1);
    clock.advance(1);
    await health('4.4.4.4');
    expect(pings()).toBe(2);
  });
});

describe('with signatures off', () => {
  it('everyone has the share of those who sign', async () => {
    expect(await statusesOf(6, open('off').unsigned)).toEqual([200, 200, 200, 200, 200, 429]);
  });
});
