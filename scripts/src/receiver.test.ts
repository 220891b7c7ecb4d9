import { describe, expect, it } from 'vitest';
import { secretFor } from './receiver.ts';

const stack = {
  pageUrl: 'http://127.0.0.1:5000',
  callbackUrl: 'http://127.0.0.1:5000/api/tts/callback',
  secret: 'of the stack',
  generateSecret: 'for servers',
};

describe('secretFor', () => {
  it.each(['http://127.0.0.1:5000', 'http://localhost:5000/api/tts/callback', 'http://[::1]:5000'])(
    'is the running stack’s at its address %s, whatever the environment has',
    (url) => {
      expect(secretFor(new URL(url), stack, 'of the environment')).toBe('of the stack');
    },
  );

  it.each(['http://127.0.0.1:5001', 'http://example.com:5000', 'https://site.example'])(
    'is the first of the environment at %s, never the stack’s',
    (url) => {
      expect(secretFor(new URL(url), stack, ' first, second')).toBe('first');
      expect(secretFor(new URL(url), stack, undefined)).toBeUndefined();
    },
  );

  it('is that of the environment while no stack runs', () => {
    expect(secretFor(new URL(stack.pageUrl), undefined, 'first')).toBe('first');
  });
});
