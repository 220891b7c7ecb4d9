import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideEngine, ENGINE_WORD_MS } from './decide-engine.ts';
import type { EngineRecord } from './engine-record.ts';
import { ENGINE_STATES, type EngineState, type ReportedEngine } from './engine-report.ts';

const NOW_MS = 1_700_000_000_000;
const MINUTE_MS = 60_000;

const rankOf = (state: EngineState): number => ENGINE_STATES.indexOf(state);

const voice = (id: string): ReportedEngine['voices'][number] => ({
  id,
  name: id,
  languages: ['en'],
  gender: undefined,
  accent: undefined,
  remark: undefined,
});

const engine = (state: EngineState, fields: Partial<ReportedEngine> = {}): ReportedEngine => ({
  name: 'flite',
  state,
  reason: undefined,
  errorCode: undefined,
  languages: ['en'],
  clonesVoices: false,
  breaker: undefined,
  retryAtMs: undefined,
  voices: [voice('slt')],
  ...fields,
});

/** The engine's document after each of these words, in their order. */
const after = (
  ...words: readonly (readonly [worker: string, told: ReportedEngine, atMs?: number, isStopping?: boolean])[]
): EngineRecord => {
  let record: EngineRecord | undefined;
  for (const [workerId, told, atMs = NOW_MS, isStopping = false] of words) {
    const teller = { workerId, state: isStopping ? ('stopping' as const) : undefined };
    const decision = decideEngine(record, told, teller, atMs);
    if (decision.kind === 'changed') record = decision.record;
  }
  if (record === undefined) throw new Error('nothing was told');
  return record;
};

describe('decideEngine', () => {
  it('takes the word of the only teller, whatever it is, for five minutes', () => {
    const told = engine('degraded', { reason: 'slow', errorCode: 'timed_out', breaker: 'HALF_OPEN' });
    expect(after(['w1', told])).toEqual({
      ...told,
      workerId: 'w1',
      expiresAtMs: NOW_MS + ENGINE_WORD_MS,
      tellers: [
        {
          workerId: 'w1',
          expiresAtMs: NOW_MS + ENGINE_WORD_MS,
          state: 'degraded',
          reason: 'slow',
          errorCode: 'timed_out',
          breaker: 'HALF_OPEN',
          retryAtMs: undefined,
        },
      ],
    });
  });

  it('lets a living "ready" stand against the "unavailable" of another, and gives it up when it is not renewed', () => {
    const ready = ['w1', engine('ready')] as const;
    const away = engine('unavailable', { reason: 'no answer' });
    expect(after(ready, ['w2', away, NOW_MS + MINUTE_MS])).toMatchObject({ state: 'ready', workerId: 'w1' });
    const late = NOW_MS + ENGINE_WORD_MS;
    expect(after(ready, ['w2', away, late])).toMatchObject({
      state: 'unavailable',
      reason: 'no answer',
      workerId: 'w2',
      tellers: [{ workerId: 'w2' }],
    });
  });

  it('passes to the next best when the best changes its mind, and keeps the voices until that one speaks', () => {
    const words = [
      ['w1', engine('ready', { voices: [voice('a')] })],
      ['w2', engine('degraded', { voices: [voice('b')] })],
      ['w1', engine('unavailable', { voices: [] }), NOW_MS + 1],
    ] as const;
    expect(after(...words)).toMatchObject({ state: 'degraded', workerId: 'w2', voices: [{ id: 'a' }] });
    const spoken = after(...words, ['w2', engine('degraded', { voices: [voice('b')] }), NOW_MS + 2]);
    expect(spoken).toMatchObject({ workerId: 'w2', voices: [{ id: 'b' }] });
  });

  it('does not go back and forth between workers that say the same with other voices', () => {
    const words = [
      ['w1', engine('ready', { voices: [voice('a')] })],
      ['w2', engine('ready', { voices: [voice('b')] })],
    ] as const;
    expect(after(...words)).toMatchObject({ workerId: 'w1', voices: [{ id: 'a' }] });
  });

  it('takes the engine away with a worker that stops, unless another has it', () => {
    const stop = ['w1', engine('ready', { breaker: 'CLOSED' }), NOW_MS + 1, true] as const;
    const alone = after(['w1', engine('ready')], stop);
    expect(alone).toMatchObject({ state: 'unavailable', workerId: 'w1', breaker: undefined });
    const two = after(['w1', engine('ready')], ['w2', engine('ready')], stop);
    expect(two).toMatchObject({ state: 'ready', workerId: 'w2' });
  });

  it('writes nothing for a word that stands, until half of its time is over', () => {
    const record = after(['w1', engine('ready')]);
    const again = (afterMs: number, told = engine('ready')): string =>
      decideEngine(record, told, { workerId: 'w1', state: undefined }, NOW_MS + afterMs).kind;
    expect(again(MINUTE_MS)).toBe('unchanged');
    expect(again(ENGINE_WORD_MS / 2)).toBe('unchanged');
    expect(again(ENGINE_WORD_MS / 2 + 1)).toBe('changed');
    expect(again(1, engine('ready', { breaker: 'CLOSED' }))).toBe('changed');
    expect(again(1, engine('ready', { voices: [voice('slt'), voice('rms')] }))).toBe('changed');
  });

  it('keeps ten tellers, and an eleventh only when it has better news', () => {
    const many = Array.from({ length: 10 }, (_, index) => [`w${index}`, engine('degraded')] as const);
    const record = after(...many);
    expect(record.tellers).toHaveLength(10);
    const eleventh = { workerId: 'w10', state: undefined };
    expect(decideEngine(record, engine('degraded'), eleventh, NOW_MS).kind).toBe('unchanged');
    const better = decideEngine(record, engine('ready'), eleventh, NOW_MS);
    expect(better).toMatchObject({ kind: 'changed', record: { state: 'ready', workerId: 'w10' } });
    expect(better.kind === 'changed' && better.record.tellers).toHaveLength(10);
  });

  it('always shows a state that is at least as good as what anybody said a moment ago, and no better than all said lately', () => {
    const word = fc.record({
      worker: fc.constantFrom('w1', 'w2', 'w3', 'w4'),
      state: fc.constantFrom(...ENGINE_STATES),
      waitMs: fc.integer({ min: 0, max: ENGINE_WORD_MS }),
    });
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 40 }), (words) => {
        let record: EngineRecord | undefined;
        let atMs = NOW_MS;
        const last = new Map<string, { readonly state: EngineState; readonly atMs: number }>();
        for (const { worker, state, waitMs } of words) {
          atMs += waitMs;
          const decision = decideEngine(record, engine(state), { workerId: worker, state: undefined }, atMs);
          if (decision.kind === 'changed') record = decision.record;
          last.set(worker, { state, atMs });
          const within = (ms: number): number =>
            Math.min(
              ...[...last.values()].filter((one) => atMs - one.atMs < ms).map((one) => rankOf(one.state)),
            );
          const shown = rankOf((record as EngineRecord).state);
          expect(shown).toBeLessThanOrEqual(within(ENGINE_WORD_MS / 2));
          expect(shown).toBeGreaterThanOrEqual(within(ENGINE_WORD_MS));
          expect((record as EngineRecord).expiresAtMs).toBeGreaterThan(atMs);
          expect((record as EngineRecord).tellers.map(({ workerId }) => workerId)).toContain(
            (record as EngineRecord).workerId,
          );
        }
      }),
    );
  });
});
