import { describe, expect, it } from 'vitest';
import { parseAnswer, parseDeletion, parseRefusal } from './ask.ts';

describe('parseAnswer', () => {
  it.each(['opened', 'under-way', 'already-ready'])('takes %s', (status) => {
    expect(parseAnswer({ jobId: 'j', attempt: 1, status })).toEqual({ kind: status });
  });

  it.each([undefined, null, 'opened', {}, { status: 'sung' }])('does not understand %j', (data) => {
    expect(parseAnswer(data).kind).toBe('unreached');
  });
});

describe('parseDeletion', () => {
  it.each(['deleted', 'under-way'])('takes %s for done', (status) => {
    expect(parseDeletion({ status })).toEqual({ kind: 'deleted' });
  });

  it.each([undefined, {}, { status: 'opened' }])('does not understand %j', (data) => {
    expect(parseDeletion(data).kind).toBe('unreached');
  });
});

const fault = (code: string, details?: unknown) => Object.assign(new Error('words'), { code, details });

describe('parseRefusal', () => {
  it('believes a code of the catalogue, whatever the transport calls it', () => {
    const refusal = parseRefusal(fault('functions/internal', { code: 'voice_not_found', field: 'voiceId' }));
    expect(refusal).toEqual({ kind: 'refused', code: 'voice_not_found', words: 'words' });
  });

  it('knows when the next narration is possible', () => {
    const refused = { kind: 'refused', code: 'budget_spent', words: 'words' };
    const [at, ...others] = ['1970-01-01T00:00:05.000Z', undefined, null, 'soon', {}].map((retryAt) =>
      parseRefusal(fault('functions/resource-exhausted', { code: 'budget_spent', retryAt })),
    );
    expect(at).toEqual({ ...refused, retryAtMs: 5_000 });
    expect(others).toEqual(others.map(() => refused));
  });

  it.each(['functions/internal', 'functions/unavailable', 'functions/deadline-exceeded', 'other/thing'])(
    'takes %s for an ask that did not get through',
    (code) => {
      expect(parseRefusal(fault(code))).toEqual({ kind: 'unreached', words: 'words' });
    },
  );

  it.each([undefined, { code: 'no-such-code' }, { code: 5 }, 'text'])(
    'keeps the words of a refusal with details %j',
    (details) => {
      expect(parseRefusal(fault('functions/permission-denied', details))).toEqual({
        kind: 'refused',
        code: 'unknown',
        words: 'functions/permission-denied: words',
      });
    },
  );

  it('survives what is no error at all', () => {
    expect(parseRefusal('boom')).toEqual({ kind: 'unreached', words: 'boom' });
  });
});
