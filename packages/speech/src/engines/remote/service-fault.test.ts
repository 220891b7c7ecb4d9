import { describe, expect, test } from 'vitest';
import { readRefusal, serviceFault } from './service-fault.ts';
import type { HttpAnswer } from './speech-http.node.ts';

const answer = (status: number, body: string, headers: Record<string, string> = {}): HttpAnswer => ({
  status,
  headers,
  body: new TextEncoder().encode(body),
});
const faultOf = (given: HttpAnswer) => serviceFault(readRefusal(given), { service: 'svc' });

describe('the words of a refusal', () => {
  test.each<[string, string | undefined, string]>([
    ['{"detail":"no  such\\n voice"}', undefined, 'no such voice'],
    ['{"detail":{"error":"validation_error","message":"bad","type":"t"}}', 'validation_error', 'bad'],
    ['{"detail":{"status":"quota_exceeded","message":"gone"}}', 'quota_exceeded', 'gone'],
    [
      '{"detail":[{"loc":["body","speed"],"msg":"too fast"},{"loc":5}]}',
      undefined,
      'body.speed: too fast; request: refused',
    ],
    ['{"error":"failed"}', undefined, 'failed'],
    ['{"error":{"message":"bad key","code":"invalid"}}', 'invalid', 'bad key'],
    ['{"message":"hm"}', undefined, 'hm'],
    ['{"other":1}', undefined, ''],
    ['null', undefined, ''],
    ['[]', undefined, ''],
    ['upstream  gone', undefined, 'upstream gone'],
    ['', undefined, ''],
  ])('%s', (body, label, words) => {
    expect(readRefusal(answer(500, body))).toMatchObject({ label, words, isPage: false });
  });

  test.each([
    ['\n <html><title>502\n Bad</title></html>', '502 Bad'],
    ['<h1>Sorry</h1>', 'a page'],
  ])('%j is a page', (body, words) => {
    expect(readRefusal(answer(502, body))).toMatchObject({ words, isPage: true });
  });

  test('are not longer than anybody reads', () => {
    expect(readRefusal(answer(400, JSON.stringify({ detail: 'x'.repeat(9_000) }))).words).toHaveLength(400);
  });
});

describe('the wait', () => {
  test.each<[Record<string, string>, number | undefined]>([
    [{ 'retry-after': '2' }, 2_000],
    [{ 'retry-after': 'soon' }, undefined],
    [{}, undefined],
    [{ 'retry-after': 'Wed, 21 Oct 2026 07:28:30 GMT', date: 'Wed, 21 Oct 2026 07:28:00 GMT' }, 30_000],
  ])('of %j', (headers, retryAfterMs) => {
    expect(faultOf(answer(503, '', headers)).retryAfterMs).toBe(retryAfterMs);
  });

  test('until a date, without a date of the answer, is from now on', () => {
    const { retryAfterMs = 0 } = faultOf(answer(503, '', { 'retry-after': 'Fri, 01 Jan 2100 00:00:00 GMT' }));
    expect(retryAfterMs).toBeGreaterThan(0);
  });
});

describe('the code', () => {
  test.each([
    [301, 'provider_rejected'],
    [400, 'provider_rejected'],
    [401, 'credentials_invalid'],
    [402, 'provider_quota_exceeded'],
    [403, 'permission_denied'],
    [404, 'provider_rejected'],
    [405, 'provider_rejected'],
    [408, 'timed_out'],
    [413, 'text_too_long'],
    [414, 'text_too_long'],
    [415, 'provider_rejected'],
    [422, 'provider_rejected'],
    [425, 'provider_rate_limited'],
    [429, 'provider_rate_limited'],
    [500, 'model_failed'],
    [501, 'provider_rejected'],
    [502, 'provider_unavailable'],
    [503, 'provider_unavailable'],
    [504, 'provider_unavailable'],
    [522, 'provider_unavailable'],
    [529, 'provider_unavailable'],
  ])('of status %d', (status, code) => {
    expect(faultOf(answer(status, '')).code).toBe(code);
    expect(faultOf(answer(status, '<title>Out of memory, no such voice</title>')).code).toBe(code);
  });

  test.each([
    [400, 'Unknown voice: x', 'voice_not_found'],
    [422, 'Text is too long', 'text_too_long'],
    [400, 'Unsupported language: xx', 'language_unsupported'],
    [400, 'CUDA out of memory', 'provider_rejected'],
    [500, 'CUDA out of memory', 'gpu_out_of_memory'],
    [500, 'No space left on device', 'disk_full'],
    [503, 'The model is not loaded', 'model_unavailable'],
    [500, 'Unknown voice: x', 'model_failed'],
    [429, 'quota exceeded', 'provider_rate_limited'],
  ])('of status %d and the words "%s"', (status, words, code) => {
    expect(faultOf(answer(status, JSON.stringify({ detail: words }))).code).toBe(code);
  });

  test('is what the service means, if that is known', () => {
    const refusal = readRefusal(answer(401, '{"detail":{"status":"quota_exceeded","message":"0 left"}}'));
    const fault = serviceFault(refusal, {
      service: 'svc',
      note: 'for 12 letters',
      codeOf: ({ label }) => (label === 'quota_exceeded' ? 'provider_quota_exceeded' : undefined),
    });
    expect(fault).toMatchObject({
      code: 'provider_quota_exceeded',
      details: 'svc answered 401 (quota_exceeded: 0 left); for 12 letters',
    });
  });
});

test('a secret that the service repeats is not repeated', () => {
  const refusal = readRefusal(answer(401, '{"detail":"key abc.def is no key, abc.def!"}'));
  const { details } = serviceFault(refusal, { service: 'svc', secrets: ['', 'abc.def'] });
  expect(details).toBe('svc answered 401 (key [redacted] is no key, [redacted]!)');
});
