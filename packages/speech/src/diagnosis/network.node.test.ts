import { describe, expect, it } from 'vitest';
import { parseTarget } from './network.node.ts';

describe('parseTarget', () => {
  it.each([
    ['http://a.example', 'a.example', 80, false, true],
    ['https://a.example/x?key=y', 'a.example', 443, true, true],
    ['ws://a.example:81', 'a.example', 81, false, true],
    ['wss://user:pass@a.example', 'a.example', 443, true, true],
    ['http://127.0.0.1:8880', '127.0.0.1', 8880, false, false],
    ['https://[::1]:8443/', '::1', 8443, true, false],
  ])('%s', (address, host, port, secure, isName) => {
    const target = parseTarget(address);
    expect(target).toMatchObject({ host, port, secure, isName });
    expect(target.label).not.toMatch(/pass|key|\/x/);
  });

  it.each(['', 'a.example', 'ftp://a.example', 'localhost:80'])(
    'refuses %j without repeating it',
    (address) => {
      expect(() => parseTarget(address)).toThrow(/^The address is not http, https, ws or wss\.$/);
    },
  );
});
