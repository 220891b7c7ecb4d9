import { describe, expect, it } from 'vitest';
import { type EngineStatus, requireFit } from './service-status.ts';

const engine = (change: Partial<EngineStatus>): EngineStatus => ({
  name: 'kokoro',
  state: 'unavailable',
  languages: ['en'],
  voices: [],
  ...change,
});

describe('requireFit', () => {
  it.each(['credentials_invalid', 'model_loading_failed', 'model_unavailable', 'tls_failed'] as const)(
    'turns away from an engine with %s',
    (errorCode) => {
      expect(() => requireFit(engine({ errorCode, reason: 'It was asked.' }))).toThrow(
        expect.objectContaining({ code: errorCode, details: 'kokoro: It was asked.' }) as Error,
      );
    },
  );

  it('says when a breaker allows a trial', () => {
    const open = engine({ errorCode: 'circuit_open', retryAtMs: 61_000 });
    expect(() => requireFit(open, 1_000)).toThrow(expect.objectContaining({ retryAfterMs: 60_000 }) as Error);
  });

  it.each<[string, Partial<EngineStatus>]>([
    ['is well', { state: 'ready' }],
    ['is not all well', { state: 'degraded', errorCode: 'network_unreachable' }],
    ['was not there at one look: it may be starting again', { errorCode: 'network_unreachable' }],
    ['was only slow to answer a look: it may be at work', { errorCode: 'timed_out' }],
    ['may not be asked for its voices, but perhaps to speak', { errorCode: 'permission_denied' }],
    ['is not there for a reason that nobody knows', {}],
  ])('lets an engine try that %s', (_what, change) => {
    expect(() => requireFit(engine(change))).not.toThrow();
  });
});
