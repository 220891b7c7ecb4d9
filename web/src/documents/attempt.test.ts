import { describe, expect, it } from 'vitest';
import { inOrder, readAttempt } from './attempt.ts';

describe('readAttempt', () => {
  it('reads an empty document', () => {
    expect(readAttempt('job_1', {})).toMatchObject({ jobId: 'job_1', number: undefined, transitions: [] });
  });

  it('puts transitions into the order they happened', () => {
    const { transitions } = readAttempt('job_1', {
      transitions: {
        ready: { source: 'callback', at: 30 },
        pending: { source: 'person', at: 10 },
        processing: { at: 20 },
        singing: { at: 1 },
      },
    });
    expect(transitions.map(({ status }) => status)).toEqual(['pending', 'processing', 'ready']);
  });

  it('knows an error without a code of the catalogue', () => {
    expect(readAttempt('job_1', { error: { message: 'broke' } }).error).toEqual({
      code: 'unknown',
      message: 'broke',
    });
    expect(readAttempt('job_1', { error: null }).error).toBeUndefined();
  });
});

describe('inOrder', () => {
  it('has the newest first and those without a number last', () => {
    const attempts = [
      readAttempt('bare', {}),
      readAttempt('one', { number: 1 }),
      readAttempt('unnumbered', { endedAt: 5 }),
      readAttempt('two', { number: 2 }),
    ];
    expect(inOrder(attempts).map(({ id }) => id)).toEqual(['two', 'one', 'unnumbered', 'bare']);
  });
});
