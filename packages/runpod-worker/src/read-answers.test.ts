import { describe, expect, it } from 'vitest';
import type { HttpAnswer } from './platform.ts';
import { readStops, readTake, type StopOutcome } from './read-answers.ts';

const answer = (status: number, body: unknown = '', contentType = 'application/json'): HttpAnswer => ({
  status,
  contentType,
  retryAfter: undefined,
  body: typeof body === 'string' ? body : JSON.stringify(body),
});
const job = { id: 'j1', input: { text: 'x' }, webhook: 'http://x/' };

describe('readTake', () => {
  it.each([
    ['204', answer(204), 'none'],
    ['400, expected under FlashBoot', answer(400, '{}'), 'none'],
    ['429', answer(429), 'throttled'],
    ['401', answer(401), 'failed'],
    ['500', answer(500), 'failed'],
    ['a redirect', answer(302), 'failed'],
    ['another content type', answer(200, job, 'text/html'), 'none'],
    ['no content type', answer(200, job, ''), 'none'],
    ['an empty body', answer(200, ''), 'none'],
    ['an empty list', answer(200, []), 'none'],
    ['broken JSON', answer(200, '{"id":'), 'failed'],
    ['null', answer(200, 'null'), 'failed'],
    ['a number', answer(200, '7'), 'failed'],
    ['a job', answer(200, job), 'jobs'],
    ['a list', answer(200, [job]), 'jobs'],
  ])('%s', (_, given, kind) => {
    expect(readTake(given).kind).toBe(kind);
  });

  it('keeps every field of a job', () => {
    expect(readTake(answer(200, { ...job, batchId: 'b9' }))).toEqual({
      kind: 'jobs',
      jobs: [{ ...job, batchId: 'b9' }],
      faulty: [],
    });
  });

  it.each([
    ['no input', { id: 'j1' }, 'j1', 'Job has missing field(s): input.'],
    ['an input that is null', { id: 'j1', input: null }, 'j1', 'Job has missing field(s): input.'],
    ['no id', { input: {} }, undefined, 'Job has missing field(s): id.'],
    ['an empty id', { id: '', input: {} }, undefined, 'Job has missing field(s): id.'],
    ['an id that is no text', { id: 7, input: {} }, undefined, 'Job has missing field(s): id.'],
    ['nothing', {}, undefined, 'Job has missing field(s): id or input.'],
    ['no object', 'j1', undefined, 'Job is not an object.'],
    ['null', null, undefined, 'Job is not an object.'],
  ])('sets an entry with %s aside and keeps its neighbours', (_, entry, id, fault) => {
    expect(readTake(answer(200, [entry, job]))).toEqual({
      kind: 'jobs',
      jobs: [job],
      faulty: [{ id, fault }],
    });
  });

  it('takes falsy inputs that are there', () => {
    for (const input of [0, '', false, []]) {
      expect(readTake(answer(200, { id: 'j1', input }))).toMatchObject({ jobs: [{ id: 'j1', input }] });
    }
  });
});

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
