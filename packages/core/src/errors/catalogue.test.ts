import { describe, expect, it } from 'vitest';
import { ERROR_CATALOGUE, type ErrorCode, describeError, isErrorCode } from './catalogue.ts';

const codes = Object.keys(ERROR_CATALOGUE) as ErrorCode[];
const JARGON =
  /\b(http|https|api|gpu|cpu|cuda|url|json|null|undefined|exception|stack|timeout|server|backend|callback|webhook|lease|circuit|queue|engine|provider|request id|job|quota|token|tts|model|cache|database|firestore|dns|tls)\b/i;

describe.each(codes)('%s', (code) => {
  const { sentence, nextStep, category, severity, retryable } = describeError(code);

  it('speaks to a person in whole sentences', () => {
    for (const words of [sentence, nextStep]) {
      expect(words).toMatch(/^[A-Z][^_{}<>\d]*[^\s.]\.$/);
      expect(words).not.toMatch(JARGON);
      expect(words.length).toBeLessThan(100);
    }
    expect(nextStep).not.toBe(sentence);
  });

  it('is classified', () => {
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect([
      'input',
      'voice',
      'model',
      'resource',
      'storage',
      'network',
      'auth',
      'provider',
      'timeout',
      'protection',
      'internal',
    ]).toContain(category);
    expect(['info', 'warning', 'error', 'critical']).toContain(severity);
    expect(typeof retryable).toBe('boolean');
  });
});

describe('laws of the catalogue', () => {
  it('never says that the same input, voice or sign-in may work the next time', () => {
    const hopeless = codes.filter((code) =>
      ['input', 'voice', 'auth'].includes(describeError(code).category),
    );
    expect(hopeless.filter((code) => describeError(code).retryable)).toEqual([]);
  });

  it('calls what is temporary retryable', () => {
    const passing = codes.filter((code) =>
      ['protection', 'timeout', 'resource'].includes(describeError(code).category),
    );
    expect(passing.filter((code) => !describeError(code).retryable)).toEqual([]);
  });

  it('uses every category', () => {
    expect(new Set(codes.map((code) => describeError(code).category)).size).toBe(11);
  });
});

describe('isErrorCode', () => {
  it.each(codes)('knows %s', (code) => {
    expect(isErrorCode(code)).toBe(true);
  });

  it.each([
    '',
    'nonsense',
    'TIMED_OUT',
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    null,
    undefined,
    1,
    {},
  ])('does not know %j', (value) => {
    expect(isErrorCode(value)).toBe(false);
  });
});
