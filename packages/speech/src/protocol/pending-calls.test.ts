import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { FakeFiles } from '../../test/protocol/fake-connection.ts';
import { formatWav } from '../audio/wav.ts';
import { PendingCalls } from './pending-calls.ts';
import type { BareAnswer } from './protocol.ts';

const error = { code: 'unknown', message: 'no', retryable: true } as const;
const failure: BareAnswer = { ok: false, error };
const sound = (path?: string): BareAnswer => ({ ok: true, path });

interface Waiting {
  readonly calls: PendingCalls;
  readonly add: (id: string) => void;
  /** The call that each answer ended, if any. */
  readonly match: (...answers: readonly BareAnswer[]) => Promise<(string | undefined)[]>;
}

const waiting = (...ids: string[]): Waiting => {
  const files = new FakeFiles();
  const ended: string[] = [];
  const calls = new PendingCalls(files, {
    onSpoken: (id) => ended.push(id),
    onFailed: (id) => ended.push(id),
  });
  const add = (id: string): void => {
    files.contents.set(`/${id}.wav`, formatWav({ sampleRateHz: 16_000, samples: new Int16Array(1) }));
    calls.add(id, `/${id}.wav`);
  };
  for (const id of ids) add(id);
  const match = async (...answers: readonly BareAnswer[]): Promise<(string | undefined)[]> => {
    const matched: (string | undefined)[] = [];
    for (const answer of answers) {
      calls.answerBare(answer);
      await setImmediate();
      matched.push(ended.shift());
    }
    return matched;
  };
  return { calls, add, match };
};

describe('answers of 1.0', () => {
  it('that are failures go to calls in their order, each to one', async () => {
    const { match } = waiting('a', 'b');
    expect(await match(failure, failure, failure)).toEqual(['a', 'b', undefined]);
  });

  it('with a sound go to the call with that file, whatever the order', async () => {
    const { match } = waiting('a', 'b');
    expect(await match(sound('/b.wav'), sound('/a.wav'))).toEqual(['b', 'a']);
  });

  it('without a file of ours go to the call in turn, which then fails', async () => {
    const { match } = waiting('a', 'b');
    expect(await match(sound('/etc/passwd'), sound())).toEqual(['a', 'b']);
  });

  it('are dropped when the same call was answered', async () => {
    const { match } = waiting('a', 'b');
    const answers = [sound('/a.wav'), sound('/a.wav'), sound('/b.wav')];
    expect(await match(...answers)).toEqual(['a', undefined, 'b']);
  });

  it('are dropped when their call had failed already', async () => {
    const { match } = waiting('a', 'b');
    expect(await match(failure, sound('/a.wav'), sound('/b.wav'))).toEqual(['a', undefined, 'b']);
  });

  it('keep the complaint about hello from the first call', async () => {
    const { calls, add, match } = waiting();
    calls.owesComplaint = true;
    add('a');
    expect(await match(failure, failure)).toEqual([undefined, 'a']);
  });

  it('include no complaint any more when the first call has its sound', async () => {
    const { calls, add, match } = waiting();
    calls.owesComplaint = true;
    add('a');
    expect(await match(sound('/a.wav'))).toEqual(['a']);
    add('b');
    expect(await match(failure)).toEqual(['b']);
  });
});
