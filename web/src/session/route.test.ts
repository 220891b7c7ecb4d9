import { describe, expect, it } from 'vitest';
import { parseRoute, storyHref, takeToken } from './route.ts';

describe('parseRoute', () => {
  it.each([
    ['', { kind: 'home' }],
    ['#', { kind: 'home' }],
    ['#page-heading', { kind: 'home' }],
    ['#new', { kind: 'new' }],
    ['#story=abc', { kind: 'story', storyId: 'abc' }],
    ['#story=a%20b', { kind: 'story', storyId: 'a b' }],
    ['#story=', { kind: 'home' }],
    ['#story=a%2Fb', { kind: 'home' }],
    ['#story=..', { kind: 'home' }],
  ])('%s', (fragment, route) => {
    expect(parseRoute(fragment)).toEqual(route);
  });

  it('reads back every address that it writes', () => {
    for (const storyId of ['a', 'ä & ü = ö', 'a+b', '100%']) {
      expect(parseRoute(storyHref(storyId))).toEqual({ kind: 'story', storyId });
    }
  });
});

describe('takeToken', () => {
  it.each([
    ['#token=abc.def', 'abc.def', ''],
    ['#token=abc&story=s1', 'abc', '#story=s1'],
    ['#story=s1&token=abc', 'abc', '#story=s1'],
    ['#new&token=abc', 'abc', '#new'],
    ['#story=s1', undefined, '#story=s1'],
    ['', undefined, ''],
  ])('%s', (fragment, token, rest) => {
    expect(takeToken(fragment)).toEqual({ token, rest });
  });
});
