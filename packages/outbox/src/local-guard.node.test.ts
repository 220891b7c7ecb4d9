import { describe, expect, it } from 'vitest';
import { bearsToken, type LocalServer, refuseForeign } from './local-guard.node.ts';

const HERE = { host: '127.0.0.1', names: ['audio.example'] } as const;
const ANYWHERE = { host: '0.0.0.0' } as const;
type Headers = Readonly<Record<string, string>>;

const status = (headers: Headers, method = 'GET', server: LocalServer = HERE) =>
  refuseForeign({ method, headers: { host: '127.0.0.1:9464', ...headers } }, server)?.status;

describe('the host', () => {
  it.each([
    'localhost',
    'LocalHost:1',
    '127.0.0.1',
    '127.1.2.3:80',
    '[::1]:9464',
    'audio.example',
    'Audio.Example:443',
  ])('may be %s', (host) => expect(status({ host })).toBeUndefined());

  it.each([
    'evil.example',
    'localhost.evil.example',
    'localhost.',
    '127.0.0.1.evil.example',
    '127.0.0.1@evil.example',
    'evil.example@127.0.0.1',
    '10.0.0.1',
    '0.0.0.0',
    '2130706433',
    '[::ffff:10.0.0.1]',
    '',
    'localhost:1:2',
    'localhost/',
    'localhost evil',
  ])('may not be %j', (host) => expect(status({ host })).toBe(403));

  it('may be any address, but no other name, where the server listens beyond loopback', () => {
    expect(
      ['10.0.0.1:9464', '[2001:db8::1]', 'localhost'].map((host) => status({ host }, 'GET', ANYWHERE)),
    ).toEqual([undefined, undefined, undefined]);
    expect(status({ host: 'evil.example' }, 'GET', ANYWHERE)).toBe(403);
    expect(status({ host: 'worker.internal' }, 'GET', { host: 'worker.internal' })).toBeUndefined();
  });

  it('may be absent, as only programs leave it out', () => {
    expect(refuseForeign({ method: 'GET', headers: {} }, HERE)).toBeUndefined();
  });
});

describe('the origin', () => {
  it.each(['http://127.0.0.1:5000', 'http://localhost', 'https://audio.example', 'http://[::1]:3000'])(
    'may be %s',
    (origin) => expect(status({ origin })).toBeUndefined(),
  );

  it.each([
    'https://evil.example',
    'null',
    '',
    'file://',
    'http://localhost.evil.example',
    'http://10.0.0.1',
  ])('may not be %j', (origin) => expect(status({ origin })).toBe(403));

  it('may be the address that the server was called by, and no other', () => {
    const host = '10.0.0.1:8000';
    expect(status({ host, origin: 'http://10.0.0.1' }, 'POST', ANYWHERE)).toBeUndefined();
    expect(status({ host, origin: 'http://10.0.0.2' }, 'POST', ANYWHERE)).toBe(403);
  });
});

const typed = (type: string | undefined, more: Headers = { 'content-length': '2' }) =>
  status({ ...(type === undefined ? {} : { 'content-type': type }), ...more }, 'POST');

describe('the body', () => {
  it.each(['application/json', 'application/json; charset=utf-8', 'Application/JSON ;charset=utf-8'])(
    'may be %s',
    (type) => expect(typed(type)).toBeUndefined(),
  );

  it.each(['application/json-evil', 'text/plain', 'text/plain; application/json', 'application/jsonp', ''])(
    'may not be %j, empty or not',
    (type) => expect([typed(type), typed(type, {})]).toEqual([415, 415]),
  );

  it('may be left out, with its type', () => {
    expect([typed(undefined, {}), typed(undefined, { 'content-length': '0' })]).toEqual([
      undefined,
      undefined,
    ]);
    expect([typed(undefined), typed(undefined, { 'transfer-encoding': 'chunked' })]).toEqual([415, 415]);
  });
});

it('knows a token, with or without Bearer', () => {
  expect(['T', 'Bearer T', 'bearer T'].map((header) => bearsToken(header, 'T'))).toEqual([true, true, true]);
  expect([undefined, '', 'Bearer', 'Bearer t', 'T '].map((header) => bearsToken(header, 'T'))).toEqual(
    Array<boolean>(5).fill(false),
  );
  expect([bearsToken(undefined, ''), bearsToken('Bearer ', '')]).toEqual([false, false]);
});
