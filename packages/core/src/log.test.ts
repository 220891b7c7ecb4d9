import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { SecretText, withoutTokens } from './log.ts';
import { messageFromError } from './story/message.ts';

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

describe('withoutTokens', () => {
  it.each([
    'https://a.example/?next=https%3A%2F%2Fb.example%2F%3Ftoken%3DSECRET%26x%3D1',
    '{"url":"https://a.example/?x=1\\u0026token=SECRET"}',
    'https://a.example/?x=1&amp;token=SECRET"',
    'https://a.example/?TOKEN=SECRET',
  ])('finds a token in %s', (text) => {
    expect(withoutTokens(text)).not.toContain('SECRET');
  });

  it.each([
    ['https://a.example/cb?job=j&token=SECRET', 'https://a.example/cb?job=j&token=redacted'],
    ['/cb?token=SECRET&job=j#end', '/cb?token=redacted&job=j#end'],
    [
      'retries exceeded with url: /cb?job=j&token=SECRET (Caused by x)',
      'retries exceeded with url: /cb?job=j&token=redacted (Caused by x)',
    ],
    ["url '/cb?token=SECRET' and '/cb?token=SECOND'", "url '/cb?token=redacted' and '/cb?token=redacted'"],
    ['a token=is no token of an address', 'a token=is no token of an address'],
  ])('%s', (text, expected) => {
    expect(withoutTokens(text)).toBe(expected);
  });

  it('is done to everything that a handler says of a failure', () => {
    const url = 'https://a.example/cb?job=j&token=SECRET';
    const message = messageFromError({
      storyId: 's1',
      jobId: 'j1',
      error: `cannot reach ${url}`,
      errorDetails: `tried ${url}`,
      userId: undefined,
      voiceId: undefined,
      metadata: { callback_url: url, note: `see ${url}` },
    });
    expect(JSON.stringify(message)).not.toContain('SECRET');
  });
});
