import { describe, expect, it } from 'vitest';
import { parseSynthesisRequest } from './synthesis-request.ts';

describe('parseSynthesisRequest', () => {
  it("takes the voice engine's request", () => {
    expect(parseSynthesisRequest({ text: 'Hello.', priority: 'normal' })).toEqual({
      text: 'Hello.',
      priority: 'normal',
    });
  });

  it('takes every field, and null for one that is not given', () => {
    const request = {
      text: 'Hello.',
      voice: 'jenny',
      language: 'en-GB',
      speed: 1.5,
      priority: 'high',
      tenant: 'a',
    };
    expect(parseSynthesisRequest(request)).toEqual(request);
    const nothing = { voice: null, language: null, speed: null, priority: null, tenant: null };
    expect(parseSynthesisRequest({ text: '', ...nothing })).toEqual({ text: '' });
  });

  it('passes nothing on that it does not know', () => {
    const request = JSON.parse(
      '{"text":"Hello.","output_path":"/etc/passwd","__proto__":{"x":1}}',
    ) as unknown;
    expect(Object.keys(parseSynthesisRequest(request))).toEqual(['text']);
  });

  it.each<[string, unknown]>([
    ['request', undefined],
    ['request', 'Hello.'],
    ['text', {}],
    ['text', { text: 5 }],
    ['voice', { text: 'a', voice: 7 }],
    ['voice', { text: 'a', voice: 'v'.repeat(201) }],
    ['language', { text: 'a', language: ['en'] }],
    ['speed', { text: 'a', speed: '1' }],
    ['speed', { text: 'a', speed: Number.NaN }],
    ['priority', { text: 'a', priority: 'urgent' }],
    ['tenant', { text: 'a', tenant: {} }],
  ])('names %s when it cannot be used', (field, value) => {
    const parse = (): unknown => parseSynthesisRequest(value);
    expect(parse).toThrow(
      expect.objectContaining({ code: 'request_invalid', details: expect.stringContaining(`${field}: `) }),
    );
  });

  it('bounds the text', () => {
    expect(parseSynthesisRequest({ text: 'x'.repeat(20_000) }).text).toHaveLength(20_000);
    expect(() => parseSynthesisRequest({ text: 'x'.repeat(20_001) })).toThrow(
      expect.objectContaining({ code: 'text_too_long', retryable: false }),
    );
  });
});
