import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deriveErrorCallbackUrl, deriveProgressUrl } from './callback-url.ts';
import { isTalebackError } from '../errors/taleback-error.ts';

describe('the three documented examples', () => {
  it.each([
    ['https://api.example.com/api/tts/callback', 'https://api.example.com/api/tts/error-callback'],
    ['https://api.example.com/api/tts/generate', 'https://api.example.com/api/tts/error-callback'],
    ['https://api.example.com/callback', 'https://api.example.com/error-callback'],
  ])('%s', (callback, expected) => {
    expect(deriveErrorCallbackUrl(callback)).toBe(expected);
  });
});

describe('deriveErrorCallbackUrl', () => {
  it.each([
    [
      'a prefix before the path',
      'https://h.test/v1/api/tts/callback',
      'https://h.test/v1/api/tts/error-callback',
    ],
    ['a path that goes on', 'https://h.test/api/tts/callback/eu', 'https://h.test/api/tts/error-callback/eu'],
    [
      'a deeper path under /api/tts/',
      'https://h.test/api/tts/v2/done',
      'https://h.test/api/tts/v2/error-callback',
    ],
    ['nothing after /api/tts/', 'https://h.test/api/tts/', 'https://h.test/api/tts/error-callback'],
    ['/api/tts itself', 'https://h.test/api/tts', 'https://h.test/api/tts/error-callback'],
    ['a last segment callback', 'https://h.test/hooks/callback', 'https://h.test/hooks/error-callback'],
    ['callback in the middle', 'https://h.test/callback/x', 'https://h.test/callback/x/error-callback'],
    ['another word', 'https://h.test/hooks/done', 'https://h.test/hooks/done/error-callback'],
    ['no path', 'https://h.test', 'https://h.test/error-callback'],
    ['the bare root', 'https://h.test/', 'https://h.test/error-callback'],
    [
      'the seed path with a slash',
      'https://h.test/api/tts/callback/',
      'https://h.test/api/tts/error-callback/',
    ],
    ['a trailing slash', 'https://h.test/callback/', 'https://h.test/error-callback'],
    ['several trailing slashes', 'https://h.test/done///', 'https://h.test/done/error-callback'],
    [
      'a query',
      'https://h.test/api/tts/callback?t=a%2Fb&u=/x',
      'https://h.test/api/tts/error-callback?t=a%2Fb&u=/x',
    ],
    [
      'a query that looks like the path',
      'https://h.test/x?to=/api/tts/callback',
      'https://h.test/x/error-callback?to=/api/tts/callback',
    ],
    ['a fragment', 'https://h.test/callback#callback', 'https://h.test/error-callback#callback'],
    ['a host that looks like the path', 'https://callback/x', 'https://callback/x/error-callback'],
    ['letter case', 'https://h.test/API/tts/Callback', 'https://h.test/API/tts/Callback/error-callback'],
    ['escapes', 'https://h.test/a%20b/callback', 'https://h.test/a%20b/error-callback'],
    [
      'a port and http',
      'http://127.0.0.1:8000/api/tts/callback',
      'http://127.0.0.1:8000/api/tts/error-callback',
    ],
    [
      'a path that starts with two slashes',
      'https://h.test//other.test/callback',
      'https://h.test//other.test/error-callback',
    ],
  ])('%s', (_what, callback, expected) => {
    expect(deriveErrorCallbackUrl(callback)).toBe(expected);
  });

  it.each([
    '',
    'callback',
    '/api/tts/callback',
    'ftp://h.test/callback',
    'javascript:alert(1)',
    'file:///callback',
  ])('refuses %j', (address) => {
    const caught = (): unknown => {
      try {
        return deriveErrorCallbackUrl(address);
      } catch (error) {
        return error;
      }
    };
    const error = caught();
    expect(isTalebackError(error) && error.code).toBe('request_invalid');
  });

  it('takes no quadratic time on a path of many slashes', () => {
    // Quadratic time would be minutes, past the test's timeout.
    const derived = deriveErrorCallbackUrl(`https://h.test/${'/'.repeat(200_000)}a`);
    expect(derived).toMatch(/\/error-callback$/);
  });
});

const segment = fc.constantFrom(
  '',
  'api',
  'tts',
  'callback',
  'error-callback',
  'Callback',
  'generate',
  'x',
  'callbacks',
  'a%2Fb',
);
const builtUrl = fc
  .record({
    origin: fc.constantFrom('https://h.test', 'http://127.0.0.1:8080', 'https://user:pw@callback'),
    head: fc.constantFrom('', '/api/tts', '/v1/api/tts'),
    segments: fc.array(segment, { maxLength: 5 }),
    tail: fc.constantFrom('', '/', '//', '?a=1', '?to=/api/tts/callback', '#callback', '?#'),
  })
  .map(
    ({ origin, head, segments, tail }) =>
      `${origin}${head}${segments.map((word) => `/${word}`).join('')}${tail}`,
  );
const anyUrl = fc.oneof(fc.webUrl({ withQueryParameters: true, withFragments: true }), builtUrl);

const allButPath = ({ origin, username, password, search, hash }: URL): readonly string[] => [
  origin,
  username,
  password,
  search,
  hash,
];

describe('laws of derived addresses', () => {
  it('deriving twice is deriving once', () => {
    fc.assert(
      fc.property(anyUrl, (address) => {
        const once = deriveErrorCallbackUrl(address);
        expect(deriveErrorCallbackUrl(once)).toBe(once);
      }),
      { numRuns: 500 },
    );
  });

  it('only the path changes, and it says error-callback', () => {
    fc.assert(
      fc.property(anyUrl, (address) => {
        const before = new URL(address);
        const after = new URL(deriveErrorCallbackUrl(address));
        expect(allButPath(after)).toEqual(allButPath(before));
        expect(after.pathname).toContain('/error-callback');
      }),
      { numRuns: 500 },
    );
  });

  it('progress goes beside the error callback: one word of its path differs', () => {
    fc.assert(
      fc.property(anyUrl, (address) => {
        const error = deriveErrorCallbackUrl(address);
        const progress = deriveProgressUrl(address);
        const at = new URL(error).pathname.lastIndexOf('error-callback');
        const path = new URL(progress).pathname;
        expect(`${path.slice(0, at)}error-callback${path.slice(at + 'progress'.length)}`).toBe(
          new URL(error).pathname,
        );
        expect(new URL(progress).origin).toBe(new URL(error).origin);
      }),
      { numRuns: 500 },
    );
  });
});

describe('deriveProgressUrl', () => {
  it.each([
    ['https://h.test/api/tts/callback?k=1', 'https://h.test/api/tts/progress?k=1'],
    ['https://h.test/callback', 'https://h.test/progress'],
    [
      'https://h.test/error-callback-relay/api/tts/callback',
      'https://h.test/error-callback-relay/api/tts/progress',
    ],
  ])('%s', (callback, expected) => {
    expect(deriveProgressUrl(callback)).toBe(expected);
  });
});
