import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { logFields, SecretText, withoutCredentials, withoutTokens } from './log.ts';
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

describe('logFields', () => {
  it('keeps what is listed, at any depth, and nothing else', () => {
    const outcome = {
      kind: 'decided',
      narration: { audioUrl: 'https://a.example/x.mp3' },
      text: 'Once upon a time',
    };
    const fields = {
      storyId: 's1',
      attempt: 2,
      retryable: false,
      outcome,
      error: new SecretText('k'),
      input: 'x',
    };
    expect(
      logFields({ ...fields, cause: undefined, steps: [{ ok: true, title: 'The Sea' }, 'plain'] }),
    ).toEqual({
      storyId: 's1',
      attempt: 2,
      retryable: false,
      outcome: { kind: 'decided', audioUrl: undefined },
      error: {},
      steps: [{ ok: true }, 'plain'],
    });
    expect(logFields()).toEqual({});
  });

  const signed = 'https://a.example/b/x.mp3?X-Amz-Date=1&X-Amz-Signature=SECRET#SECRET';
  it.each([
    [signed, 'https://a.example/b/x.mp3'],
    [
      `GET ${signed} failed, then (${signed})`,
      'GET https://a.example/b/x.mp3 failed, then (https://a.example/b/x.mp3)',
    ],
    [
      'retries exceeded with url: /b/x.mp3?X-Amz-Signature=SECRET (Caused by x)',
      'retries exceeded with url: /b/x.mp3 (Caused by x)',
    ],
    ['https://a.example/?SECRET', 'https://a.example/'],
    ['{"url":"https://a.example/x?sig=SECRET","n":1}', '{"url":"https://a.example/x","n":1}'],
    ['gs://u:SECRET@bucket/x', 'gs://bucket/x'],
    ['whsec_SECRETSECRET is wrong', '[redacted] is wrong'],
    ['Authorization: Bearer SECRET.SECRET', 'Authorization: Bearer [redacted]'],
    ['Is it so? It is: a=b', 'Is it so? It is: a=b'],
  ])('reduces %j', (text, expected) => {
    expect(logFields({ cause: text, error: { message: text } })).toEqual({
      cause: expected,
      error: { message: expected },
    });
  });

  it('cuts what is long, deep or wide', () => {
    let deep: object = { cause: 'x' };
    for (let level = 0; level < 50; level += 1) deep = { cause: deep };
    const { error, steps, cause } = logFields({
      error: 'x'.repeat(100_000),
      steps: Array<number>(10_000).fill(1),
      cause: deep,
    });
    expect([String(error).length, (steps as unknown[]).length]).toEqual([8_000, 100]);
    expect(JSON.stringify(cause)).toBe('{"cause":{"cause":{"cause":{}}}}');
  });
});

describe('withoutCredentials', () => {
  // Where each beginning searches to the end, 100,000 characters take half a minute: more than a test may.
  it.each(['A.', 'a://', 'key ', 'bearer ', 'secret:', 'sk-', '?token', '/?a=', 'https://a'])(
    'reads each character of many %j a bounded number of times',
    (part) => {
      const text = part.repeat(100_000 / part.length);
      expect(withoutCredentials(text).length).toBeGreaterThan(0);
      expect(String(logFields({ cause: text }).cause).length).toBeLessThanOrEqual(20_000);
    },
  );
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
