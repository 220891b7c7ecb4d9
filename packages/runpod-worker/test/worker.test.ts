import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEntry } from '@taleback/outbox';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunpodContext } from '../src/index.ts';
import { createGate } from './gate.ts';
import { openRig, type Rig } from './rig.ts';
import { answer } from './simulator.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await openRig();
});
afterEach(() => rig.close());

const job = (id: string, input: unknown = {}): object => ({ id, input });
const result = (id: string): unknown => rig.simulator.resultOf(id);
const untilResult = (id: string, body: unknown): Promise<void> =>
  rig.until(() => expect(result(id)).toEqual(body));
const calls = (channel: 'take' | 'done' | 'stop', count: number): Promise<void> =>
  rig.until(() => expect(rig.simulator.on(channel)).toHaveLength(count));
const untilAborted = (_: unknown, { signal }: RunpodContext): Promise<never> =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

describe('taking jobs', () => {
  it('asks less and less often while job-take fails, and at once again when it works', async () => {
    rig.simulator.script('take', answer(500), { kind: 'reset' }, answer(401), answer(200, 'nonsense'));
    rig.serve(() => 1);
    for (const [count, waitMs] of [
      [1, 250],
      [2, 500],
      [3, 1_000],
      [4, 2_000],
    ] as const) {
      await calls('take', count);
      await rig.until(() =>
        expect(rig.logged.filter((line) => line.includes('job-take failed'))).toHaveLength(count),
      );
      await rig.pass(waitMs - 1);
      await calls('take', count);
      await rig.pass(1);
    }
    await calls('take', 5);
    rig.simulator.hand(job('j1'));
    await untilResult('j1', { output: 1 });
    await calls('take', 6);
  });

  it('asks five times in any second at most while there is nothing, however long the answers take', async () => {
    rig.simulator.script('take', ...Array.from({ length: 5 }, () => answer(204)));
    rig.serve(() => 1);
    await calls('take', 1);
    for (let step = 0; step < 10; step += 1) await rig.pass(106);
    await rig.until(() => expect(rig.simulator.heldPolls('take')).toBe(1));
    await rig.pass(150);
    rig.simulator.script('take', answer(204));
    await rig.pass(211);
    expect(rig.simulator.on('take')).toHaveLength(6);
    await rig.pass(1);
    await calls('take', 7);
    const times = rig.simulator.on('take').map(({ atMs }) => atMs);
    for (const [index, atMs] of times.slice(1).entries())
      expect(atMs - (times[index] ?? 0)).toBeGreaterThanOrEqual(210);
  });

  it.each([
    ['an empty answer', answer(204)],
    ['jobs to stop', answer(200, { jobsToStop: ['other'] })],
    ['an error', answer(500)],
  ])('asks for jobs to stop a second after %s, also one that the platform held', async (_what, next) => {
    rig.serve(() => 1);
    await rig.until(() => expect(rig.simulator.heldPolls('stop')).toBe(1));
    await rig.pass(30_000);
    rig.simulator.script('stop', next);
    await rig.pass(999);
    expect(rig.simulator.on('stop')).toHaveLength(1);
    await rig.pass(1);
    await calls('stop', 2);
  });

  it('cuts a poll that is held for 90 s and asks again', async () => {
    rig.serve(() => 1);
    await rig.until(() => expect(rig.simulator.heldPolls('take')).toBe(1));
    await rig.pass(90_000);
    await rig.pass(212);
    await calls('take', 2);
    await rig.until(() => expect(rig.simulator.heldPolls('take')).toBe(1));
    expect(rig.logged.join()).not.toContain('job-take failed');
  });

  it('asks for its concurrency before every poll, up and down, and takes none at 0', async () => {
    let wanted = 0;
    rig.serve(untilAborted, { concurrency: () => wanted });
    await rig.pass(5_000);
    expect(rig.simulator.on('take')).toEqual([]);
    wanted = 2;
    await rig.pass(1_000);
    await calls('take', 1);
    expect(rig.simulator.on('take')[0]?.path).toContain('batch_size=2&job_in_progress=0');
    rig.simulator.hand([job('a'), job('b')]);
    await rig.until(() => expect(rig.begun).toHaveLength(2));
    await rig.pass(5_000);
    expect(rig.simulator.on('take')).toHaveLength(1);
    wanted = 3;
    await rig.pass(1_000);
    await calls('take', 2);
    expect(rig.simulator.on('take')[1]?.path).toContain('/job-take/pod7?gpu=X&job_in_progress=1');
  });

  it('lives with a concurrency function that fails', async () => {
    rig.serve(() => 1, {
      concurrency: () => {
        throw new Error('no figure');
      },
    });
    rig.simulator.hand(job('j1'));
    await untilResult('j1', { output: 1 });
    expect(rig.logged.join()).toContain('concurrency unknown');
  });

  it('runs a job once that is handed out twice at a time', async () => {
    let runs = 0;
    const end = createGate<string>();
    rig.serve(
      () => {
        runs += 1;
        return end.promise;
      },
      { concurrency: 2 },
    );
    rig.simulator.hand([job('j1'), job('j1')]);
    await rig.until(() => expect(runs).toBe(1));
    await rig.until(() => expect(rig.logged.join()).toContain('handed out again'));
    end.open('once');
    await untilResult('j1', { output: 'once' });
    expect(rig.simulator.violations).toEqual([]);
  });
});

describe('results', () => {
  it.each([400, 401, 404, 409])(
    'one that is refused with %d is set aside and not sent again',
    async (status) => {
      rig.simulator.script('done', answer(status));
      rig.serve(() => 1);
      rig.simulator.hand(job('j1'));
      await calls('take', 2);
      await rig.until(() => expect(rig.logged.join()).toContain('result failed'));
      await rig.pass(0);
      const [name = '', reason = ''] = (await readdir(join(rig.folder, 'set-aside'))).sort();
      const entry = parseEntry(await readFile(join(rig.folder, 'set-aside', name)));
      expect(entry).toMatchObject({ ok: true, entry: { message: { lane: 'j1', body: '{"output":1}' } } });
      expect(await readFile(join(rig.folder, 'set-aside', reason), 'utf8')).toBe(`answered ${status}: \n`);
      await rig.pass(3_600_000);
      expect(rig.simulator.on('done')).toHaveLength(1);
    },
  );

  it.each([408, 425, 429, 500, 502, 503, 504, 302])('one that meets %d is sent again', async (status) => {
    rig.simulator.script('done', answer(status));
    rig.serve(() => 1);
    rig.simulator.hand(job('j1'));
    await calls('take', 2);
    await rig.pass(250);
    await untilResult('j1', { output: 1 });
    expect(rig.simulator.on('done')).toHaveLength(2);
  });

  it('one that is not answered at all is sent again after two minutes; jobs do not wait for it', async () => {
    rig.simulator.script('done', { kind: 'hang' });
    rig.serve(() => 1);
    rig.simulator.hand(job('j1'));
    await calls('done', 1);
    await rig.pass(5_000);
    await calls('take', 2);
    rig.simulator.hand(job('j2'));
    await untilResult('j2', { output: 1 });
    await rig.pass(115_000);
    await rig.pass(250);
    await untilResult('j1', { output: 1 });
    expect(rig.simulator.on('done')).toHaveLength(3);
  });

  it('one that is too large is answered with an error, by us or after the platform', async () => {
    rig.simulator.script('done', answer(200), answer(413));
    rig.serve(({ input }) => 'x'.repeat(Number(input)), { maxResultBytes: 1_000 });
    rig.simulator.hand(job('j1', 2_000));
    await calls('take', 2);
    expect(rig.simulator.on('done')[0]?.json).toMatchObject({ error: expect.stringContaining('too large') });
    rig.simulator.hand(job('j2', 500));
    await untilResult('j2', { error: expect.stringContaining('refused the result for its size') });
  });
});

describe('streams', () => {
  it('fail the job when a chunk cannot be delivered, and stop the generator', async () => {
    rig.simulator.script('stream', ...Array.from({ length: 6 }, () => answer(500)));
    let isLeft = false;
    rig.serve(async function* () {
      try {
        yield 1;
        yield 2;
      } finally {
        isLeft = true;
      }
    });
    rig.simulator.hand(job('j1'));
    for (let step = 0; step < 200 && result('j1') === undefined; step += 1) await rig.pass(500);
    expect(result('j1')).toEqual({ error: 'A chunk could not be delivered: answered 500' });
    expect(isLeft).toBe(true);
  });

  it('repeat all chunks in the result where there is no address for them', async () => {
    rig.serve(
      function* () {
        yield 1;
        yield 2;
      },
      { env: rig.simulator.env({ RUNPOD_WEBHOOK_POST_STREAM: '' }) },
    );
    rig.simulator.hand(job('j1'));
    await untilResult('j1', { output: [1, 2] });
    expect(rig.simulator.on('stream')).toEqual([]);
  });

  it('end with what the generator threw', async () => {
    rig.serve(async function* () {
      yield 1;
      throw new Error('no voice');
    });
    rig.simulator.hand(job('j1'));
    await untilResult('j1', { error: 'handler: no voice' });
    expect(rig.simulator.on('done')[0]?.path).toContain('isStream=true');
  });
});

describe('progress', () => {
  it('that hangs is given up before the result goes out', async () => {
    rig.simulator.script('done', { kind: 'hang' });
    rig.serve((_, { progress }) => {
      progress(1);
      progress(2);
      return 'done';
    });
    rig.simulator.hand(job('j1'));
    await calls('done', 1);
    await rig.pass(1_999);
    expect(result('j1')).toBeUndefined();
    await rig.pass(1);
    await untilResult('j1', { output: 'done' });
    expect(rig.simulator.violations).toEqual([]);
  });

  it('goes out in order, the newest for those that came meanwhile, none after the end', async () => {
    const kept: RunpodContext[] = [];
    rig.serve(async (_, context) => {
      const { progress } = context;
      kept.push(context);
      for (const pct of [1, 2, 3]) progress(pct);
      progress({ cannot: 1n });
      return 'done';
    });
    rig.simulator.hand(job('j1'));
    await untilResult('j1', { output: 'done' });
    kept[0]?.progress(4);
    await rig.pass(0);
    expect(rig.simulator.on('done').map(({ json }) => (json as { output: unknown }).output)).toEqual([
      1,
      3,
      'done',
    ]);
    expect(rig.simulator.violations).toEqual([]);
  });
});

describe('the end', () => {
  it('a job that outlasts the deadline is aborted and answered', async () => {
    const worker = rig.serve(untilAborted);
    rig.simulator.hand(job('j1'));
    await rig.until(() => expect(rig.begun).toEqual(['j1']));
    const stopped = worker.stop(10_000);
    await rig.pass(9_999);
    expect(result('j1')).toBeUndefined();
    await rig.pass(1);
    await stopped;
    expect(result('j1')).toEqual({ error: 'The worker was stopped before the job was done.' });
  });

  it('a handler that ignores its signal is left behind after three seconds', async () => {
    const worker = rig.serve(() => new Promise(() => {}));
    rig.simulator.hand(job('j1'));
    await rig.until(() => expect(rig.begun).toEqual(['j1']));
    const stopped = worker.stop(1_000);
    await rig.pass(1_000);
    await rig.pass(3_000);
    await stopped;
    expect(result('j1')).toEqual({ error: 'The worker was stopped before the job was done.' });
  });

  it('a job that was stopped and ignores it holds its slot, but not the end', async () => {
    const worker = rig.serve(() => new Promise(() => {}));
    rig.simulator.hand(job('j1'));
    await rig.until(() => expect(rig.begun).toEqual(['j1']));
    rig.simulator.script('stop', answer(200, { jobsToStop: ['j1', 'unknown'] }));
    await rig.pass(1_000);
    await calls('stop', 2);
    await rig.pass(10_000);
    expect(rig.simulator.on('take')).toHaveLength(1);
    const stopped = worker.stop(0);
    await rig.pass(3_000);
    await stopped;
    expect(result('j1')).toBeUndefined();
  });

  it('a result that is not accepted in time is sent by the next worker', async () => {
    rig.simulator.script('done', ...Array.from({ length: 20 }, () => answer(503)));
    const worker = rig.serve(() => 1);
    rig.simulator.hand(job('j1'));
    await calls('take', 2);
    const stopped = worker.stop(1_000);
    for (let step = 0; step < 8; step += 1) await rig.pass(1_000);
    await stopped;
    await worker.ended;
    expect(result('j1')).toBeUndefined();
    const tries = rig.simulator.on('done').length;
    rig.serve(() => 2);
    await rig.until(() => expect(rig.simulator.on('done').length).toBeGreaterThan(tries));
    for (let step = 0; step < 500 && result('j1') === undefined; step += 1) await rig.pass(5_000);
    expect(result('j1')).toEqual({ output: 1 });
  });

  it('the whole worker ends with refreshWorker, after the jobs it has', async () => {
    const end = createGate();
    const worker = rig.serve(({ id }) => (id === 'a' ? 1 : end.promise), {
      concurrency: 2,
      refreshWorker: true,
    });
    rig.simulator.hand([job('a'), job('b')]);
    await untilResult('a', { output: 1, stopPod: true });
    await rig.pass(0);
    end.open();
    await untilResult('b', { output: null, stopPod: true });
    for (let step = 0; step < 3; step += 1) await rig.pass(90_000);
    await worker.ended;
    expect(rig.simulator.on('take').length).toBeLessThanOrEqual(2);
  });

  it('without a folder to write to it serves all the same, and says so', async () => {
    rig.serve(() => 1, { outboxFolder: '/dev/null/nowhere' });
    rig.simulator.hand(job('j1'));
    await untilResult('j1', { output: 1 });
    expect(rig.logged.join()).toContain('no outbox');
  });
});
