import { describe, expect, it } from 'vitest';
import { withoutSecrets } from './trouble.ts';

describe('withoutSecrets', () => {
  it.each([
    ['http://user:pass@host/path', 'http://host/path'],
    ['GET /x?key=abc&voice=anna', 'GET /x?key=[redacted]&voice=anna'],
    ['https://h/?token=abc.def', 'https://h/?token=[redacted]'],
    ['Authorization: Bearer abc.def-ghi', 'Authorization: Bearer [redacted]'],
    ['xi-api-key: 0123456789abcdef', 'xi-api-key: [redacted]'],
    ['{"api_key":"0123456789"}', '{"api_key":"[redacted]"}'],
    ['Incorrect API key provided: sk-abcdef012345', 'Incorrect API key provided: [redacted]'],
    ['whsec_AwMDAwMDAwM= is wrong', '[redacted] is wrong'],
  ])('takes the credential out of %j', (text, expected) => {
    expect(withoutSecrets(text)).toBe(expected);
  });

  it.each(['KEY: there.', 'Check the key: it is wrong', 'no token', 'https://host:8443/v1/voices'])(
    'leaves plain words alone: %j',
    (text) => {
      expect(withoutSecrets(text)).toBe(text);
    },
  );

  it('is one short line', () => {
    expect(withoutSecrets(' a\n  b ')).toBe('a b');
    expect(withoutSecrets('x'.repeat(10_000))).toHaveLength(500);
    expect(withoutSecrets('A.'.repeat(50_000))).toHaveLength(500);
  });
});
