import { describe, expect, it } from 'vitest';
import { readStops, type StopOutcome } from './read-stops.ts';

const read = (status: number, json: unknown, contentType = 'application/json'): StopOutcome =>
  readStops({
    status,
    contentType,
    retryAfter: '7',
    body: typeof json === 'string' ? json : JSON.stringify(json),
  });

describe('readStops', () => {
  it.each([
    [204, '', { kind: 'none' }],
    [200, '', { kind: 'none' }],
    [200, {}, { kind: 'none' }],
    [200, 'null', { kind: 'none' }],
    [200, ['j1'], { kind: 'none' }],
    [200, { jobsToStop: 'j1' }, { kind: 'none' }],
    [200, { jobsToStop: [7, null] }, { kind: 'none' }],
    [200, { jobsToStop: ['j1', 7, 'j2'] }, { kind: 'stops', jobIds: ['j1', 'j2'] }],
    [429, '', { kind: 'throttled', retryAfter: '7' }],
    [500, '', { kind: 'failed', why: 'answered 500' }],
    [404, '', { kind: 'failed', why: 'answered 404' }],
    [200, '{', { kind: 'failed', why: 'the answer is not JSON' }],
  ])('%d %j', (status, json, outcome) => {
    expect(read(status, json)).toEqual(outcome);
  });

  it('reads JSON only', () => {
    expect(read(200, { jobsToStop: ['j1'] }, 'text/plain')).toEqual({ kind: 'none' });
  });
});
