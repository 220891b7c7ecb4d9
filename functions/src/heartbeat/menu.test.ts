import { ENGINE_STATES, type EngineState, HEARTBEAT_LIFE_MS, type Heartbeat } from '@taleback/core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  composeMenu,
  decideWrites,
  type MenuEngine,
  REMEMBERED_MS,
  readEngines,
  type WorkerEngine,
  type WorkerEntry,
  withoutStopping,
} from './menu.ts';

const NOW_MS = 1_700_000_000_000;
const MINUTE_MS = 60_000;

const rankOf = (state: EngineState): number => ENGINE_STATES.indexOf(state);

const engine = (state: EngineState, fields: object = {}): WorkerEngine => ({
  name: 'flite',
  state,
  reason: 'why',
  languages: ['en'],
  clonesVoices: false,
  voices: [{ id: 'slt' }],
  ...fields,
});
const entry = (
  workerId: string,
  engines: readonly WorkerEngine[],
  expiresAtMs = NOW_MS + HEARTBEAT_LIFE_MS,
): WorkerEntry => ({ workerId, digest: JSON.stringify(engines), expiresAtMs, engines });

describe('composeMenu', () => {
  it('contains what the only worker reports, without what is for operators', () => {
    expect(composeMenu([], [entry('w1', [engine('degraded')])], NOW_MS)).toEqual([
      {
        name: 'flite',
        state: 'degraded',
        languages: ['en'],
        clonesVoices: false,
        voices: [{ id: 'slt' }],
        expiresAtMs: NOW_MS + HEARTBEAT_LIFE_MS,
      },
    ]);
  });

  it('takes the best state of living workers with its latest time, and the voices of all that speak', () => {
    const workers = [
      entry('w1', [engine('unavailable', { voices: [] })]),
      entry('w2', [engine('ready', { voices: [{ id: 'b' }] })], NOW_MS + 1),
      entry('w3', [engine('ready', { voices: [{ id: 'c' }] })], NOW_MS + 2),
      entry('w4', [engine('degraded')]),
    ];
    const [best] = composeMenu([], workers, NOW_MS);
    expect(best).toMatchObject({
      state: 'ready',
      expiresAtMs: NOW_MS + 2,
      voices: [{ id: 'b' }, { id: 'c' }, { id: 'slt' }],
    });
    expect(composeMenu([], workers.toReversed(), NOW_MS)).toEqual(composeMenu([], workers, NOW_MS));
    const [later] = composeMenu([], workers, NOW_MS + 2);
    expect(later).toMatchObject({ state: 'degraded', voices: [{ id: 'slt' }] });
  });

  it('has each voice once, of the best worker that has it, with the languages of that worker', () => {
    const [merged, ...others] = composeMenu(
      [],
      [
        entry('w1', [
          engine('degraded', { clonesVoices: true, voices: [{ id: 'a', name: 'Old' }, { id: 'b' }] }),
        ]),
        entry('w2', [engine('ready', { languages: ['de'], voices: [{ id: 'a', name: 'New' }] })]),
        entry('w3', [engine('unavailable', { languages: ['fr'], voices: [{ id: 'silent' }] })]),
        entry('w4', [engine('degraded', { languages: 7, voices: [{ id: 'c', languages: ['it'] }, 'odd'] })]),
      ],
      NOW_MS,
    );
    expect(others).toEqual([]);
    expect(merged).toMatchObject({
      state: 'ready',
      languages: ['de', 'en'],
      clonesVoices: true,
      voices: [
        { id: 'a', name: 'New', languages: ['de'] },
        { id: 'b', languages: ['en'] },
        { id: 'c', languages: ['it'] },
      ],
    });
  });

  it('has the voices of all workers while none of them speaks, five hundred at most', () => {
    const ids = Array.from({ length: 700 }, (_, index) => ({ id: `${index}`, languages: ['en'] }));
    const workers = [0, 200, 400].map((from) =>
      entry(`w${from}`, [engine('unavailable', { voices: ids.slice(from, from + 300) })]),
    );
    const [merged] = composeMenu([], workers, NOW_MS);
    expect(merged).toMatchObject({ state: 'unavailable', voices: ids.slice(0, 500) });
  });

  it('remembers an engine for thirty days after its last worker fell silent', () => {
    const menu = composeMenu([], [entry('w1', [engine('ready')], NOW_MS + 1)], NOW_MS);
    const others = [entry('w2', [engine('ready', { name: 'kokoro' })], NOW_MS + 2 * REMEMBERED_MS)];
    const names = (nowMs: number) => composeMenu(menu, others, nowMs).map(({ name }) => name);
    expect(composeMenu(menu, [], NOW_MS + MINUTE_MS)).toEqual(menu);
    expect(names(NOW_MS + REMEMBERED_MS)).toEqual(['kokoro', 'flite']);
    expect(names(NOW_MS + 1 + REMEMBERED_MS)).toEqual(['kokoro']);
  });

  it('leaves out the engines that were silent longest when one document cannot hold all', () => {
    const voices = Array.from({ length: 400 }, (_, index) => ({ id: `${index}`, remark: 'r'.repeat(1_000) }));
    const workers = ['a', 'b', 'c'].map((name, index) =>
      entry(name, [engine('ready', { name, voices })], NOW_MS + 1 + index),
    );
    expect(composeMenu([], workers, NOW_MS).map(({ name }) => name)).toEqual(['c', 'b']);
  });

  it('shows a state that is as good as any reported a moment ago, and no better than all reported lately', () => {
    const word = fc.record({
      worker: fc.constantFrom('w1', 'w2', 'w3', 'w4'),
      state: fc.constantFrom(...ENGINE_STATES),
      waitMs: fc.integer({ min: 0, max: HEARTBEAT_LIFE_MS }),
    });
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 40 }), (words) => {
        let menu: readonly MenuEngine[] = [];
        const workers = new Map<string, WorkerEntry>();
        const last = new Map<string, { readonly state: EngineState; readonly atMs: number }>();
        let atMs = NOW_MS;
        for (const { worker, state, waitMs } of words) {
          atMs += waitMs;
          const mine = entry(worker, [engine(state)], atMs + HEARTBEAT_LIFE_MS);
          const due = decideWrites(workers.get(worker), menu, mine, atMs);
          if (due.isWorker) workers.set(worker, mine);
          if (due.isMenu) menu = composeMenu(menu, [...new Map(workers).set(worker, mine).values()], atMs);
          last.set(worker, { state, atMs });
          const within = (ms: number): number =>
            Math.min(
              ...[...last.values()].filter((one) => atMs - one.atMs < ms).map((one) => rankOf(one.state)),
            );
          const [shown] = menu;
          if (shown === undefined) throw new Error('an empty menu');
          expect(rankOf(shown.state)).toBeLessThanOrEqual(within(HEARTBEAT_LIFE_MS / 2));
          expect(rankOf(shown.state)).toBeGreaterThanOrEqual(within(HEARTBEAT_LIFE_MS));
          expect(shown.expiresAtMs).toBeGreaterThan(atMs);
        }
      }),
    );
  });
});

describe('decideWrites', () => {
  const known = entry('w1', [engine('ready')]);
  const menu = composeMenu([], [known], NOW_MS);
  const at = (afterMs: number, next = known) => decideWrites(known, menu, next, NOW_MS + afterMs);

  it('writes nothing for the same words until half of their time is over', () => {
    const nothing = { isNews: false, isWorker: false, isMenu: false };
    expect(at(MINUTE_MS)).toEqual(nothing);
    expect(at(HEARTBEAT_LIFE_MS / 2)).toEqual(nothing);
    expect(at(HEARTBEAT_LIFE_MS / 2 + 1)).toEqual({ isNews: false, isWorker: true, isMenu: true });
  });

  it('writes both for news, and the menu if an engine is missing in it or expires soon', () => {
    const both = { isNews: true, isWorker: true, isMenu: true };
    expect(decideWrites(undefined, menu, known, NOW_MS)).toEqual(both);
    expect(at(1, entry('w1', [engine('degraded')]))).toEqual(both);
    expect(decideWrites(known, [], known, NOW_MS)).toEqual({ isNews: false, isWorker: false, isMenu: true });
  });
});

const heartbeat = (state: Heartbeat['state']): Heartbeat => ({
  workerId: 'w1',
  version: undefined,
  state,
  engines: [
    {
      name: 'flite',
      state: 'degraded',
      reason: 'slow',
      errorCode: 'timed_out',
      breaker: 'HALF_OPEN',
      retryAtMs: 1,
      consecutiveFailures: 2,
      lastFailureType: 'timed_out',
      lastFailureAtMs: 1,
      lastSuccessAtMs: 1,
      languages: ['en'],
      clonesVoices: true,
      voices: [],
    },
  ],
  capacity: undefined,
  queueDepth: undefined,
  inFlight: undefined,
  startedAtMs: undefined,
  expiresAtMs: undefined,
  leftOut: 0,
  deletionsAfter: undefined,
});

describe('withoutStopping', () => {
  it('takes the engines of a worker that stops away, and keeps their abilities', () => {
    expect(withoutStopping(heartbeat('ready'))).toEqual(heartbeat('ready'));
    expect(withoutStopping(heartbeat('stopping')).engines).toEqual([
      { name: 'flite', state: 'unavailable', languages: ['en'], clonesVoices: true, voices: [] },
    ]);
  });
});

it('reads only engines that make sense', () => {
  fc.assert(fc.property(fc.anything(), (odd) => readEngines(odd).length === 0));
  expect(
    readEngines([null, 'a', { name: 'b' }, { name: 5, state: 'ready' }, { name: 'c', state: 'well' }]),
  ).toEqual([]);
  expect(readEngines([engine('ready')])).toEqual([engine('ready')]);
});
