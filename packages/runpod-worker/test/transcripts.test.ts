import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunpodContext, ServeRunpodOptions } from '../src/index.ts';
import { createGate, type Gate } from './gate.ts';
import { GOLDEN, type ScenarioName } from './golden.ts';
import { openRig, type Rig } from './rig.ts';
import { answer } from './simulator.ts';
import { type Line, lineOf } from './transcript.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await openRig();
});
afterEach(() => rig.close());

const job = (id: string, input: unknown = {}): object => ({ id, input });

/** Takes, results and chunks, in order; the JSON in the string of an error is opened. */
const spoken = (): Line[] =>
  rig.simulator.calls
    .map(lineOf)
    .filter(([call]) => /job-(take|done|stream)/.test(call))
    .map(([call, json]) => (json === undefined ? [call] : [call, opened(json)]));

const opened = (json: unknown): unknown => {
  const { error } = json as { error?: unknown };
  if (typeof error !== 'string' || !error.startsWith('{"error_type"')) return json;
  return { error: { ...JSON.parse(error), runpod_version: 'V' } };
};

type Change = (golden: readonly Line[]) => readonly Line[];

const replaceLine =
  (index: number, line: Line): Change =>
  (golden) =>
    golden.with(index, line);
const dropLast: Change = (golden) => golden.slice(0, -1);
const done = (jobId: string, json: unknown, isStream = false): Line => [
  `POST /v2/ep/job-done/pod7/${jobId}?gpu=X&isStream=${isStream}`,
  json,
];

interface Scenario {
  readonly name: ScenarioName;
  /** What is better here than in the reference, and what that changes. Nothing else may differ. */
  readonly improvements: readonly (readonly [name: string, change: Change])[];
  readonly handler: (job: { readonly id: string }, context: RunpodContext) => unknown;
  readonly options?: ServeRunpodOptions;
  readonly play: () => Promise<void>;
}

const takes = (count: number): Promise<void> =>
  rig.until(() => expect(rig.simulator.on('take')).toHaveLength(count));
const dones = (count: number): Promise<void> =>
  rig.until(() => expect(rig.simulator.on('done')).toHaveLength(count));

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'one job, then 400, then 429',
    improvements: [],
    handler: () => ({ ok: 1, t: 'hé' }),
    play: async () => {
      rig.simulator.script('take', answer(200, job('j1')), answer(400), answer(429));
      await takes(2);
      await rig.pass(211);
      await takes(2);
      await rig.pass(1);
      await takes(3);
      await rig.pass(4_999);
      await takes(3);
      await rig.pass(1);
      await takes(4);
    },
  },
  {
    name: 'a batch of two',
    improvements: [],
    // The second may not overtake, and no slot is free before both are over.
    handler: async ({ id }) => {
      if (id === 'j2') await rig.until(() => expect(rig.simulator.resultOf('j1')).toBeDefined());
      return id === 'j1' ? 1 : 2;
    },
    options: { concurrency: () => (rig.simulator.on('take').length === 0 ? 2 : 0) },
    play: async () => {
      rig.simulator.hand([{ ...job('j1'), batchId: 'b9' }, job('j2')]);
      await dones(2);
    },
  },
  {
    name: 'three at once with one running',
    improvements: [
      [
        'every free slot is asked for',
        replaceLine(1, ['GET /v2/ep/job-take-batch/pod7?gpu=X&batch_size=2&job_in_progress=1']),
      ],
    ],
    handler: (_, { signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve)),
    options: { concurrency: 3 },
    play: async () => {
      rig.simulator.hand([job('j1')]);
      await takes(2);
    },
  },
  {
    name: 'a handler that throws',
    improvements: [
      [
        'the type is the error’s name; the stack stays here unless it is asked for',
        replaceLine(
          1,
          done('j1', {
            error: {
              error_type: 'RangeError',
              error_message: 'no such voice',
              error_traceback: '',
              hostname: 'pod7-host',
              worker_id: 'pod7',
              runpod_version: 'V',
            },
          }),
        ),
      ],
    ],
    handler: () => {
      throw new RangeError('no such voice');
    },
    play: async () => {
      rig.simulator.hand(job('j1'));
      await takes(2);
    },
  },
  {
    name: 'progress and return back to back',
    improvements: [
      [
        'no progress after the result',
        ([take, result, progress, next]) => [take, progress, result, next] as Line[],
      ],
    ],
    handler: (_, { progress }) => {
      progress({ pct: 50 });
      return { ok: 1 };
    },
    play: async () => {
      rig.simulator.hand(job('j1'));
      await takes(2);
    },
  },
  {
    name: 'a generator',
    improvements: [],
    handler: async function* () {
      yield { a: 1 };
      yield { b: 2 };
    },
    play: async () => {
      rig.simulator.hand(job('j1'));
      await takes(2);
    },
  },
  {
    name: 'a generator that is aggregated',
    improvements: [],
    handler: function* () {
      yield { a: 1 };
      yield { b: 2 };
    },
    options: { returnAggregateStream: true },
    play: async () => {
      rig.simulator.hand(job('j1'));
      await takes(2);
    },
  },
  {
    name: 'a generator that yields an error',
    improvements: [
      [
        'an error object is JSON, not the text of another language',
        replaceLine(2, done('j1', { error: '{"code":7}' }, true)),
      ],
    ],
    handler: async function* () {
      yield { a: 1 };
      yield { error: { code: 7 } };
      yield { never: true };
    },
    play: async () => {
      rig.simulator.hand(job('j1'));
      await takes(2);
    },
  },
  {
    name: 'an error that is an object',
    improvements: [
      ['error is always text', replaceLine(1, done('j1', { output: { detail: 'x' }, error: '{"code":1}' }))],
    ],
    handler: () => ({ error: { code: 1 }, detail: 'x' }),
    play: async () => {
      rig.simulator.hand(job('j1'));
      await takes(2);
    },
  },
  {
    name: 'refresh_worker',
    improvements: [['a worker that asked to be replaced takes no more jobs', dropLast]],
    handler: () => ({ error: 'e1', detail: 'x', refresh_worker: true }),
    play: async () => {
      rig.simulator.hand(job('j1'));
      await dones(1);
      await rig.pass(0);
    },
  },
  {
    name: 'a result answered 500 three times',
    improvements: [
      ['a result is sent until it is accepted', (golden) => golden.toSpliced(4, 0, golden[3] as Line)],
      [
        'the next job is asked for after the first try',
        ([take, first, second, third, fourth, next]) => [take, first, next, second, third, fourth] as Line[],
      ],
    ],
    handler: () => 1,
    play: async () => {
      rig.simulator.script('done', answer(500), answer(500), answer(500));
      rig.simulator.hand(job('j1'));
      await takes(2);
      for (const [count, waitMs] of [
        [2, 250],
        [3, 500],
        [4, 1_000],
      ] as const) {
        await rig.pass(waitMs - 1);
        await dones(count - 1);
        await rig.pass(1);
        await dones(count);
      }
      await rig.pass(60_000);
    },
  },
  {
    name: 'a result answered 429',
    improvements: [['a result is sent until it is accepted', (golden) => [...golden, golden[1] as Line]]],
    handler: () => 1,
    play: async () => {
      rig.simulator.script('done', { kind: 'answer', status: 429, headers: { 'retry-after': '3' } });
      rig.simulator.hand(job('j1'));
      await takes(2);
      await rig.pass(2_999);
      await dones(1);
      await rig.pass(1);
      await dones(2);
    },
  },
  {
    name: 'a result whose connection is cut',
    improvements: [['a result is sent until it is accepted', (golden) => [...golden, golden[1] as Line]]],
    handler: () => 1,
    play: async () => {
      rig.simulator.script('done', { kind: 'reset' });
      rig.simulator.hand(job('j1'));
      await takes(2);
      await rig.pass(250);
      await dones(2);
    },
  },
  {
    name: 'a job that is stopped',
    improvements: [],
    handler: (_, { signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    play: async () => {
      rig.simulator.hand(job('j1'));
      await rig.until(() => expect(rig.begun).toEqual(['j1']));
      rig.simulator.script('stop', answer(200, { jobsToStop: ['j1', 7] }));
      await takes(2);
    },
  },
  {
    name: 'a batch with an entry without id',
    improvements: [
      [
        'its neighbours are served, and what has an id is answered',
        (golden) => [
          ...golden,
          ['GET /v2/ep/job-take-batch/pod7?gpu=X&batch_size=2&job_in_progress=1'],
          done('j1', { error: 'Job has missing field(s): input.' }),
          done('j3', { output: 3 }),
        ],
      ],
    ],
    handler: async (_, { signal }) => {
      await rig.until(() => expect(rig.simulator.on('done').length + (signal.aborted ? 1 : 0)).toBe(1));
      return 3;
    },
    options: { concurrency: 3 },
    play: async () => {
      rig.simulator.hand([{ id: 'j1' }, { input: {} }, 'nonsense', job('j3')]);
      await takes(2);
      await dones(2);
    },
  },
  {
    name: 'a job of the last poll after SIGTERM',
    improvements: [['it is served', (golden) => [...golden, done('j1', { output: 'served' })]]],
    handler: () => 'served',
    play: async () => {
      await rig.until(() => expect(rig.simulator.heldPolls('take')).toBe(1));
      const stopped = worker.stop();
      await rig.pass(700);
      rig.simulator.hand(job('j1'));
      await stopped;
    },
  },
  {
    name: 'SIGTERM while a job runs',
    improvements: [],
    handler: () => late.promise,
    play: async () => {
      rig.simulator.hand(job('j1'));
      await rig.until(() => expect(rig.begun).toEqual(['j1']));
      const stopped = worker.stop();
      await rig.pass(4_100);
      late.open('late');
      await stopped;
    },
  },
];

let worker: ReturnType<Rig['serve']>;
let late: Gate<string>;

describe('what the worker says, against what the reference said', () => {
  it.each(SCENARIOS)('$name', async ({ name, improvements, handler, options, play }) => {
    late = createGate<string>();
    worker = rig.serve(handler, options);
    await play();
    const expected = improvements.reduce<readonly Line[]>((lines, [, change]) => change(lines), GOLDEN[name]);
    expect(spoken()).toEqual(expected);
    expect(rig.simulator.violations).toEqual([]);
  });

  it('has a scenario for every golden transcript', () => {
    expect(SCENARIOS.map(({ name }) => name).toSorted()).toEqual(Object.keys(GOLDEN).toSorted());
  });
});

describe('headers, stop polls and pings', () => {
  it('sends the headers of the reference; the job’s id on its own posts only', async () => {
    rig.serve(() => 1);
    rig.simulator.hand(job('j1'));
    await takes(2);
    const get = { authorization: 'KEY', 'content-type': 'application/json' };
    expect(rig.simulator.on('take').map(({ headers }) => headers)).toEqual([get, get]);
    expect(rig.simulator.on('done')[0]?.headers).toEqual({
      authorization: 'KEY',
      'content-type': 'application/x-www-form-urlencoded',
      charset: 'utf-8',
      'x-request-id': 'j1',
    });
    expect(lineOf(rig.simulator.on('stop')[0]!)).toEqual(['GET /v2/ep/job-stop/pod7?gpu=X']);
    expect(rig.simulator.on('stop')[0]?.headers).toEqual(get);
    expect(rig.simulator.on('ping')[0]?.headers).toEqual({ authorization: 'KEY' });
  });

  it('pings at once, then every interval, and names every job that has no accepted result', async () => {
    rig.simulator.script('done', ...Array.from({ length: 6 }, () => answer(503)));
    rig.serve(() => 1, { env: rig.simulator.env({ RUNPOD_PING_INTERVAL: '1999' }) });
    const pings = async (count: number): Promise<string> => {
      await rig.until(() => expect(rig.simulator.on('ping')).toHaveLength(count));
      return rig.simulator.on('ping').at(-1)?.path.split('gpu=X&')[1] ?? '';
    };
    expect(await pings(1)).toBe('runpod_version=V');
    rig.simulator.hand(job('a'));
    await takes(2);
    rig.simulator.hand(job('b'));
    await takes(3);
    await rig.pass(250);
    await rig.pass(500);
    expect(rig.simulator.resultOf('a')).toBeUndefined();
    await rig.pass(250);
    expect(await pings(2)).toBe('job_id=a%2Cb&runpod_version=V');
    await rig.pass(750);
    await rig.until(() => expect(rig.simulator.resultOf('b')).toEqual({ output: 1 }));
    expect(rig.simulator.resultOf('a')).toEqual({ output: 1 });
    await rig.pass(250);
    expect(await pings(3)).toBe('runpod_version=V');
    expect(rig.simulator.on('ping').map(({ atMs }) => atMs)).toEqual([0, 1_000, 2_000]);
  });

  it('repeats a ping that met an error of the server', async () => {
    rig.simulator.script('ping', answer(500));
    rig.serve(() => 1);
    await rig.until(() => expect(rig.simulator.on('ping')).toHaveLength(1));
    await rig.pass(250);
    expect(rig.simulator.on('ping')).toHaveLength(2);
  });
});
