import { type DeleteCommand, readDeletions } from '@taleback/core';
import { signStandard } from '@taleback/core/signatures';
import { recordingKey } from '@taleback/core/storage';
import { Timestamp } from 'firebase-admin/firestore';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHeartbeatStore } from '../src/heartbeat/heartbeat-store.node.ts';
import { createDeletionStore } from '../src/stories/deletions.node.ts';
import { openReceiver, type ReceiverHarness } from './harness.ts';

const KEY = Buffer.alloc(24, 1);
const MINUTE_MS = 60_000;

const voice = { id: 'slt', name: 'Clara', languages: ['en-US'], gender: 'female', accent: 'American' };
const engineOf = (name: string, fields: object = {}): object => ({
  name,
  state: 'ready',
  languages: ['en'],
  voices: [voice],
  ...fields,
});

const millisOf = (value: unknown): number => (value as Timestamp).toMillis();

let receiver: ReceiverHarness;
let next = 0;
/** The clock of a receiver is its own, so that a test can let time pass. */
let nowMs = Date.now();
let calls: string[] = [];

beforeAll(async () => {
  const plain = await openReceiver();
  const { firestore } = plain;
  // Every call to Firestore as it leaves the library, beneath everything of ours.
  const spied = firestore as unknown as Record<
    'request' | 'requestStream',
    (method: string, ...rest: unknown[]) => unknown
  >;
  for (const name of ['request', 'requestStream'] as const) {
    const original = spied[name].bind(firestore);
    spied[name] = (method, ...rest) => {
      calls.push(method);
      return original(method, ...rest);
    };
  }
  const mounted = await openReceiver({
    heartbeat: {
      keep: createHeartbeatStore(firestore, { timeoutMs: 120_000 }).keep,
      log: () => {},
      now: () => nowMs,
      deletions: createDeletionStore(firestore, { timeoutMs: 20_000, now: () => nowMs }),
    },
    signatures: 'required',
    secrets: { standard: [KEY], hmac: [] },
  });
  receiver = {
    ...mounted,
    firestore,
    close: async () => {
      await mounted.close();
      await plain.close();
    },
  };
});
afterAll(() => receiver.close());

const sign = (body: string): Record<string, string> => {
  next += 1;
  return signStandard({ id: `m${next}`, timestampSeconds: Date.now() / 1000, body: Buffer.from(body) }, [
    KEY,
  ]);
};

const send = async (workerId: string, engines: readonly object[], rest: object = {}) => {
  const body = JSON.stringify({ worker_id: workerId, engines, ...rest });
  return receiver.post('heartbeat', body, sign(body));
};

const read = async (path: string): Promise<Record<string, unknown> | undefined> =>
  (await receiver.firestore.doc(path).get()).data();

const inMenu = async (name: string): Promise<Record<string, unknown> | undefined> => {
  const { engines = [] } = (await read('ttsVoices/menu')) ?? {};
  return (engines as Record<string, unknown>[]).find((engine) => engine['name'] === name);
};

describe('a heartbeat', () => {
  it('is in Firestore: the engines and voices for readers, the worker for operators', async () => {
    const away = {
      state: 'unavailable',
      reason: 'GET http://h/v?token=abc failed',
      error_type: 'network_unreachable',
      breaker: 'OPEN',
      retry_at: nowMs + MINUTE_MS,
      consecutive_failures: 5,
      last_failure_type: 'network_unreachable',
      last_failure_at: nowMs,
      last_success_at: nowMs - MINUTE_MS,
      clones_voices: true,
      voices: [],
    };
    const rest = {
      version: '1.2.3',
      state: 'degraded',
      capacity: 4,
      queue_depth: 3,
      in_flight: 2,
      started_at: nowMs - MINUTE_MS,
    };
    const answer = await send('host-1', [engineOf('flite-a'), engineOf('kokoro-a', away)], rest);
    expect(answer).toMatchObject({ status: 200, body: { success: true, commands: [] } });
    const { expiresAt, forgetAt, ...flite } = (await inMenu('flite-a')) ?? {};
    expect(flite).toEqual({
      name: 'flite-a',
      state: 'ready',
      languages: ['en'],
      clonesVoices: false,
      voices: [voice],
    });
    expect(millisOf(expiresAt)).toBe(nowMs + 5 * MINUTE_MS);
    expect(millisOf(forgetAt)).toBe(millisOf(expiresAt) + 30 * 24 * 60 * MINUTE_MS);
    expect(millisOf((await read('ttsVoices/menu'))?.['updatedAt'])).toBeGreaterThan(0);
    expect(Object.keys((await inMenu('kokoro-a')) ?? {}).toSorted()).toEqual(
      Object.keys(flite).concat('expiresAt', 'forgetAt').toSorted(),
    );
    const worker = (await read('ttsWorkers/host-1')) ?? {};
    expect(worker).toMatchObject({
      workerId: 'host-1',
      version: '1.2.3',
      state: 'degraded',
      capacity: 4,
      queueDepth: 3,
      inFlight: 2,
      engines: [
        { name: 'flite-a' },
        {
          state: 'unavailable',
          reason: 'GET http://h/v?token=redacted failed',
          errorCode: 'network_unreachable',
          consecutiveFailures: 5,
          lastFailureType: 'network_unreachable',
          lastFailureAt: Timestamp.fromMillis(nowMs),
          lastSuccessAt: Timestamp.fromMillis(nowMs - MINUTE_MS),
          clonesVoices: true,
          breaker: 'OPEN',
        },
      ],
    });
    const [, kokoro] = worker['engines'] as Record<string, unknown>[];
    expect(millisOf(kokoro?.['retryAt'])).toBe(nowMs + MINUTE_MS);
    expect(millisOf(worker['expiresAt'])).toBe(nowMs + 5 * MINUTE_MS);
  });

  it('of the best of several workers counts, and of the next best when that one falls silent', async () => {
    await send('w1', [engineOf('shared')]);
    await send('w2', [engineOf('shared', { state: 'unavailable', reason: 'no answer' })]);
    expect(await inMenu('shared')).toMatchObject({ state: 'ready' });
    expect(await read('ttsWorkers/w2')).toMatchObject({ engines: [{ state: 'unavailable' }] });
    nowMs += 5 * MINUTE_MS;
    await send('w2', [engineOf('shared', { state: 'unavailable', reason: 'no answer' })]);
    expect(await inMenu('shared')).toMatchObject({ state: 'unavailable' });
  });

  it('of a worker that stops takes away an engine that no other worker has', async () => {
    await send('w3', [engineOf('alone')]);
    await send('w3', [engineOf('alone')], { state: 'stopping' });
    expect(await inMenu('alone')).toMatchObject({ state: 'unavailable', voices: [voice] });
    expect(await read('ttsWorkers/w3')).toMatchObject({ state: 'stopping' });
  });

  it('costs one read while nothing changes, and writes again when half of its time is over', async () => {
    const engines = [engineOf('quiet-1'), engineOf('quiet-2')];
    await send('w4', engines);
    const written = await Promise.all(
      ['ttsWorkers/w4', 'ttsVoices/menu'].map((path) => receiver.firestore.doc(path).get()),
    );
    calls = [];
    nowMs += MINUTE_MS;
    await send('w4', engines);
    expect(calls).toEqual(['batchGetDocuments']);
    for (const { ref, updateTime } of written) {
      expect((await ref.get()).updateTime?.isEqual(updateTime as Timestamp)).toBe(true);
    }
    calls = [];
    await send('w4', engines, { queue_depth: 1 });
    expect(calls.toSorted()).toEqual(['batchGetDocuments', 'commit']);
    expect(await read('ttsWorkers/w4')).toMatchObject({ queueDepth: 1 });
    nowMs += 2 * MINUTE_MS;
    await send('w4', engines, { queue_depth: 1 });
    expect(millisOf((await inMenu('quiet-1'))?.['expiresAt'])).toBe(nowMs + 5 * MINUTE_MS);
  });

  it('of eight workers at once makes one menu', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        send(`many-${index}`, [engineOf('crowded', { state: index === 5 ? 'ready' : 'degraded' })]),
      ),
    );
    expect(answers.filter(({ status }) => status !== 200 && status !== 503)).toEqual([]);
    await send('many-5', [engineOf('crowded')]);
    expect(await inMenu('crowded')).toMatchObject({ state: 'ready' });
  });

  it('may be as large as a body can be', async () => {
    const voices = Array.from({ length: 480 }, (_, index) => ({
      id: `${index}-${'v'.repeat(190)}`,
      name: 'n'.repeat(100),
      languages: ['en-US', 'de-DE'],
      remark: 'r'.repeat(100),
    }));
    expect((await send('large', [engineOf('large', { voices })])).status).toBe(200);
    expect((await inMenu('large'))?.['voices']).toHaveLength(480);
  });

  it('leaves out voices and languages that are odd, and keeps the rest', async () => {
    const voices = [voice, { id: 7 }, { ...voice, id: 'b', languages: ['en', 5] }];
    expect((await send('w6', [engineOf('sifted', { voices })])).status).toBe(200);
    expect((await inMenu('sifted'))?.['voices']).toEqual([voice, { ...voice, id: 'b', languages: ['en'] }]);
  });

  it('replaces documents that make no sense', async () => {
    await receiver.firestore.doc('ttsVoices/menu').set({ engines: [{ state: 7 }, 'none'] });
    await receiver.firestore.doc('ttsWorkers/w5').set({ engines: 5, expiresAt: 'soon' });
    await send('w5', [engineOf('odd')]);
    expect(await inMenu('odd')).toMatchObject({ state: 'ready' });
    expect(await read('ttsWorkers/w5')).toMatchObject({ engines: [{ name: 'odd' }] });
  });
});

const ask = async (after: string, headers?: Record<string, string>) => {
  const body = JSON.stringify({ worker_id: 'w', engines: [], deletions_after: after });
  return receiver.post('heartbeat', body, headers ?? sign(body));
};
const commandsOf = ({ body }: Awaited<ReturnType<typeof ask>>): readonly DeleteCommand[] =>
  readDeletions(JSON.stringify(body));
const finished = async (id: string, atMs: number, fields: object = {}): Promise<void> => {
  const [requestedAt, settledAt] = [Timestamp.fromMillis(1_000), Timestamp.fromMillis(atMs)];
  const record = { userId: 'u1', storyId: `s-${id}`, jobs: ['j1'], places: [], requestedAt, settledAt };
  await receiver.firestore.doc(`ttsDeletions/${id}`).set({ ...record, state: 'done', checks: 1, ...fields });
};

describe('the answer to a heartbeat', () => {
  it('lists the deletions that a worker has not applied, each once, those that have the same time too', async () => {
    const firstMs = nowMs - 7 * 24 * 60 * MINUTE_MS;
    for (let count = 0; count < 45; count += 1)
      await finished(`a${count + 10}`, firstMs + Math.floor(count / 30));
    await finished('b1', nowMs - 9_999);
    await receiver.firestore.doc('ttsDeletions/b2').set({ userId: 'u1', storyId: 's', state: 'open' });
    const seen: string[] = [];
    let after = '0:';
    for (const expected of [20, 20, 5, 0]) {
      const commands = commandsOf(await ask(after));
      expect(commands).toHaveLength(expected);
      seen.push(...commands.map(({ story_id }) => String(story_id)));
      after = commands.at(-1)?.cursor ?? after;
    }
    expect(seen).toEqual(Array.from({ length: 45 }, (_, count) => `s-a${count + 10}`));
    nowMs += 1;
    expect(commandsOf(await ask(after)).map(({ story_id }) => story_id)).toEqual(['s-b1']);
    expect(commandsOf(await ask(`${nowMs}:`))).toEqual([]);
    nowMs += MINUTE_MS;
  });

  it('says what belongs to a story or a user, and no place or recording of others', async () => {
    const after = `${nowMs}:`;
    nowMs += MINUTE_MS;
    const recordingPath = recordingKey({ userId: 'u1', bytes: Buffer.from('R'), nowMs: 0 });
    const places = ['tales/tide.mp3', 'private/users/u1/a.mp3', 'private/users/u2/a.mp3'];
    await finished('c1', nowMs - 30_000, { places, recordingPath });
    await finished('c2', nowMs - 20_000, { storyId: null, jobs: null });
    const [story, user] = commandsOf(await ask(after));
    expect(story).toMatchObject({ user_id: 'u1', story_id: 's-c1', jobs: ['j1'], requested_at: 1_000 });
    expect(story?.places).toEqual(places.slice(0, 2));
    expect(story?.recording).toBe(/[0-9a-f]{64}/.exec(recordingPath)?.[0]);
    expect(user).toMatchObject({ user_id: 'u1', jobs: [] });
    expect(user?.story_id).toBeUndefined();
    const audioJobExtras = { recording_path: recordingPath };
    await receiver.firestore.doc('stories/other').set({ userId: 'u1', audioJobExtras });
    expect(commandsOf(await ask(after))[0]?.recording).toBeUndefined();
  });

  it('is bounded: what is very long comes alone', async () => {
    const after = `${nowMs}:`;
    nowMs += MINUTE_MS;
    const jobs = Array.from({ length: 6_000 }, (_, count) => `job-${count}-${'x'.repeat(30)}`);
    for (const id of ['d1', 'd2']) await finished(id, nowMs - 30_000, { jobs });
    const [first, ...more] = commandsOf(await ask(after));
    expect(more).toEqual([]);
    expect(first?.jobs).toHaveLength(6_000);
    expect(commandsOf(await ask(String(first?.cursor)))).toMatchObject([{ story_id: 's-d2' }]);
  });

  it('has none for an older worker, a recorded heartbeat, a wrong secret, or where nothing is signed', async () => {
    await finished('e1', nowMs - MINUTE_MS);
    expect((await send('old', [])).body).toEqual({ success: true, commands: [] });
    const body = JSON.stringify({ worker_id: 'w', engines: [], deletions_after: '0:' });
    const headers = sign(body);
    expect(commandsOf(await ask('0:', headers))).not.toEqual([]);
    expect(commandsOf(await ask('0:', headers))).toEqual([]);
    const parts = { id: 'forged', timestampSeconds: Date.now() / 1000, body: Buffer.from(body) };
    const refused = await ask('0:', signStandard(parts, [Buffer.alloc(24, 2)]));
    expect(refused).toMatchObject({ status: 401, body: { success: false } });
    expect(refused.body).not.toHaveProperty('commands');
    const deletions = createDeletionStore(receiver.firestore, { timeoutMs: 20_000, now: () => nowMs });
    const open = await openReceiver({
      signatures: 'off',
      heartbeat: {
        keep: async () => ({ kind: 'kept', isNews: false }),
        deletions,
        log: () => {},
        now: () => nowMs,
      },
    });
    expect((await open.post('heartbeat', body)).body).toEqual({ success: true, commands: [] });
    await open.close();
  });

  it.each(['', '7', 'x:', '999999999999999:', '7:/'])('is 422 for %j in place of a cursor', async (after) => {
    expect((await ask(after)).status).toBe(after === '' ? 200 : 422);
  });
});

describe('the sweep', () => {
  it('deletes workers whose heartbeat expired, and leaves their voices in the menu', async () => {
    const store = createHeartbeatStore(receiver.firestore, { timeoutMs: 120_000 });
    await send('silent', [engineOf('gone')]);
    nowMs += 5 * MINUTE_MS;
    await send('living', [engineOf('there')]);
    expect(await store.sweep(nowMs)).toEqual({ kind: 'swept' });
    expect(await read('ttsWorkers/silent')).toBeUndefined();
    expect(await read('ttsWorkers/living')).toBeDefined();
    expect(await inMenu('gone')).toMatchObject({ voices: [voice] });
  });
});

describe('the route refuses', () => {
  it.each([
    ['no worker', { engines: [] }, 422, 'worker_id: is required'],
    [
      'a wrong state',
      { worker_id: 'w', engines: [engineOf('e', { state: 'well' })] },
      422,
      'engines.0.state: ',
    ],
    ['a list', [], 422, 'body: must be a JSON object'],
  ])('%s', async (_, body, status, sentence) => {
    const text = JSON.stringify(body);
    const answer = await receiver.post('heartbeat', text, sign(text));
    expect(answer.status).toBe(status);
    expect(answer.body).toEqual({ success: false, error: expect.stringContaining(sentence) });
  });

  it('what is not signed, and a recorded heartbeat changes nothing', async () => {
    const unsigned = await receiver.post('heartbeat', { worker_id: 'w9', engines: [engineOf('forged')] });
    expect(unsigned.status).toBe(401);
    expect(await inMenu('forged')).toBeUndefined();
    const ready = JSON.stringify({ worker_id: 'w9', engines: [engineOf('recorded')] });
    const headers = sign(ready);
    expect((await receiver.post('heartbeat', ready, headers)).status).toBe(200);
    await send('w9', [engineOf('recorded', { state: 'unavailable' })]);
    expect((await receiver.post('heartbeat', ready, headers)).status).toBe(200);
    expect(await inMenu('recorded')).toMatchObject({ state: 'unavailable' });
  });

  it('everything, where heartbeats are off', async () => {
    const without = await openReceiver({ heartbeat: undefined });
    expect((await without.post('heartbeat', { worker_id: 'w', engines: [] })).status).toBe(404);
    await without.close();
  });
});
