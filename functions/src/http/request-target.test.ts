import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isForbiddenMethod, parseTarget } from './edge.node.ts';

const read = (target: string): string | undefined => {
  const url = parseTarget(target);
  return url === undefined ? undefined : `${url.pathname}${url.search}`;
};

describe('parseTarget', () => {
  it.each([
    ['/api/tts/callback', '/api/tts/callback'],
    ['/api/tts/callback?a=1&b=%2f#', '/api/tts/callback?a=1&b=%2f'],
    ['/api/tts/callback?a=/../x', '/api/tts/callback?a=/../x'],
    ['/', '/'],
    ['//', '//'],
    ['//host/api/tts/callback', '//host/api/tts/callback'],
    ['/api/tts/%63allback', '/api/tts/%63allback'],
    ['http://anywhere.example/api/tts/callback?x=1', '/api/tts/callback?x=1'],
    ['HTTPS://user:pw@anywhere/api/tts/callback', '/api/tts/callback'],
  ])('%s', (target, expected) => {
    expect(read(target)).toBe(expected);
  });

  it.each([
    '',
    '*',
    'host:443',
    'http://host',
    'ftp://host/api/tts/callback',
    '/x/../api/tts/callback',
    '/api/tts/./callback',
    '/api/tts/%2e%2e/tts/callback',
    '/api\\tts\\callback',
    '/api/tts/callback#x',
    '/api/tts/call\nback',
    'api/tts/callback',
  ])('finds no path in %j', (target) => {
    expect(parseTarget(target)).toBeUndefined();
  });

  it('never throws, and never tidies', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        for (const target of [text, `/${text}`, `http://h/${text}`])
          expect(target).toContain(parseTarget(target)?.pathname ?? '');
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('isForbiddenMethod', () => {
  it.each(['CONNECT', 'TRACE', 'TRACK', 'trace'])('%s cannot be carried', (method) => {
    expect(isForbiddenMethod(method)).toBe(true);
    expect(() => new Request('http://h/', { method })).toThrow(TypeError);
  });
});
