import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { readEngineRecord } from './engine-record.ts';

const timestamp = (millis: number) => ({ toMillis: () => millis });

it('reads what was written, with timestamps for times', () => {
  const fields = {
    name: 'flite',
    state: 'degraded',
    reason: 'slow',
    errorCode: 'timed_out',
    breaker: 'OPEN',
    retryAt: timestamp(20),
    languages: ['en'],
    clonesVoices: true,
    voices: [{ id: 'slt', name: 'Clara', languages: ['en-US'], accent: 'American' }],
    workerId: 'w1',
    expiresAt: timestamp(10),
    tellers: { w1: { state: 'ready', expiresAt: timestamp(9) }, 'w.2': { state: 'degraded', expiresAt: 8 } },
  };
  expect(readEngineRecord('flite', fields)).toEqual({
    name: 'flite',
    state: 'degraded',
    reason: 'slow',
    errorCode: 'timed_out',
    breaker: 'OPEN',
    retryAtMs: 20,
    languages: ['en'],
    clonesVoices: true,
    voices: [
      {
        id: 'slt',
        name: 'Clara',
        languages: ['en-US'],
        gender: undefined,
        accent: 'American',
        remark: undefined,
      },
    ],
    workerId: 'w1',
    expiresAtMs: 10,
    tellers: [
      expect.objectContaining({ workerId: 'w1', state: 'ready', expiresAtMs: 9 }),
      expect.objectContaining({ workerId: 'w.2', state: 'degraded', expiresAtMs: 8 }),
    ],
  });
});

it.each([{}, { state: 'ready' }, { state: 'well', expiresAt: 1 }, { state: 'ready', expiresAt: 'soon' }])(
  'counts %j as no document',
  (fields) => {
    expect(readEngineRecord('flite', fields)).toBeUndefined();
  },
);

it('leaves out what makes no sense, whoever wrote it', () => {
  const record = readEngineRecord('e', {
    state: 'ready',
    expiresAt: 1,
    errorCode: 'toString',
    breaker: 'open',
    languages: ['en', 7, ''],
    voices: [null, {}, { id: '' }, { id: 'a', name: 3, languages: 'en' }],
    tellers: { w1: null, w2: { state: 'ready' }, w3: { state: 'gone', expiresAt: 5 } },
  });
  expect(record).toMatchObject({
    errorCode: undefined,
    breaker: undefined,
    languages: ['en'],
    voices: [{ id: 'a', name: 'a', languages: [] }],
    tellers: [],
    workerId: '',
  });
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.anything()), fc.anything(), (fields, odd) => {
      readEngineRecord('e', { ...fields, state: 'ready', expiresAt: 1, voices: [odd], tellers: odd });
    }),
  );
});
