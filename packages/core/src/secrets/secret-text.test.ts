import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { SecretText } from './secret-text.ts';

describe('SecretText', () => {
  const secret = new SecretText('whisper');

  it('is used as it is', () => expect(secret.text).toBe('whisper'));

  it.each([
    ['JSON', JSON.stringify({ secret })],
    ['inspect', inspect({ secret }, { depth: 5, showHidden: true })],
    ['a text', String(secret)],
    ['concatenation', ['key ', secret].join('')],
  ])('shows nothing of itself in %s', (_where, shown) => {
    expect(shown).toContain('[redacted]');
    expect(shown).not.toContain('whisper');
  });
});
