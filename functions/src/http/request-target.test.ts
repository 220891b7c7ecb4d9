import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitTarget } from './edge.node.ts';
import { findRoute } from './router.ts';

describe('splitTarget', () => {
  it.each([
    ['/api/tts/callback', '/api/tts/callback', ''],
    ['/api/tts/callback?a=1&b=%2f#', '/api/tts/callback', '?a=1&b=%2f#'],
    ['/api/tts/callback?a=/../x', '/api/tts/callback', '?a=/../x'],
    ['/', '/', ''],
    ['//', '//', ''],
    ['//host/api/tts/callback', '//host/api/tts/callback', ''],
    ['/api/tts/%63allback', '/api/tts/%63allback', ''],
    ['http://anywhere.example/api/tts/callback?x=1', '/api/tts/callback', '?x=1'],
    ['HTTPS://user:pw@anywhere/api/tts/callback', '/api/tts/callback', ''],
  ])('%s', (target, path, search) => {
    expect(splitTarget(target)).toEqual({ path, search });
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
  ])('finds no route for %j', (target) => {
    expect(findRoute(splitTarget(target).path)).toBeUndefined();
  });

  it('never throws, and never tidies', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        for (const target of [text, `/${text}`, `http://h/${text}`]) {
          const { path, search } = splitTarget(target);
          expect(target.endsWith(path + search)).toBe(true);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
