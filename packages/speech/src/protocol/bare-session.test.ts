import { describe, expect, it } from 'vitest';
import { BareCalls } from './bare-session.ts';
import type { BareAnswer } from './protocol.ts';

const error = { code: 'unknown', message: 'no', retryable: true } as const;
const failure: BareAnswer = { ok: false, error };
const sound = (path?: string): BareAnswer => ({ ok: true, path });

const waiting = (...ids: string[]): BareCalls => {
  const calls = new BareCalls();
  for (const id of ids) calls.add(id, `/${id}.wav`);
  return calls;
};

describe('BareCalls', () => {
  it('gives failures to calls in their order, each to one', () => {
    const calls = waiting('a', 'b');
    expect([failure, failure, failure].map((answer) => calls.match(answer))).toEqual(['a', 'b', undefined]);
  });

  it('gives a sound to the call with that file, whatever the order', () => {
    const calls = waiting('a', 'b');
    expect([sound('/b.wav'), sound('/a.wav')].map((answer) => calls.match(answer))).toEqual(['b', 'a']);
  });

  it('gives a sound without a file of ours to the call in turn, which then fails', () => {
    const calls = waiting('a', 'b');
    expect([sound('/etc/passwd'), sound()].map((answer) => calls.match(answer))).toEqual(['a', 'b']);
  });

  it('drops a second answer to the same call', () => {
    const calls = waiting('a', 'b');
    expect([sound('/a.wav'), sound('/a.wav'), sound('/b.wav')].map((answer) => calls.match(answer))).toEqual([
      'a',
      undefined,
      'b',
    ]);
  });

  it('drops the sound of a call that had failed already', () => {
    const calls = waiting('a', 'b');
    expect([failure, sound('/a.wav'), sound('/b.wav')].map((answer) => calls.match(answer))).toEqual([
      'a',
      undefined,
      'b',
    ]);
  });

  it('keeps the complaint about hello from the first call', () => {
    const calls = new BareCalls();
    calls.expectComplaint();
    calls.add('a', '/a.wav');
    expect([failure, failure].map((answer) => calls.match(answer))).toEqual([undefined, 'a']);
  });

  it('expects no complaint any more when the first call has its sound', () => {
    const calls = new BareCalls();
    calls.expectComplaint();
    calls.add('a', '/a.wav');
    expect(calls.match(sound('/a.wav'))).toBe('a');
    calls.add('b', '/b.wav');
    expect(calls.match(failure)).toBe('b');
  });
});
