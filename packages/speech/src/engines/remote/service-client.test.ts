import { expect, test } from 'vitest';
import { parseServiceAddress } from './service-client.ts';

const basic = (words: string): string => `Basic ${Buffer.from(words).toString('base64')}`;

test.each([
  ['http://127.0.0.1:8880', 'http://127.0.0.1:8880', undefined],
  ['https://host.example/a/b//?x=1#y', 'https://host.example/a/b', undefined],
  ['http://me:p%40ss@host', 'http://host', basic('me:p@ss')],
  ['http://100%zz:x@host', 'http://host', basic('100%zz:x')],
])('%s', (baseUrl, endpoint, authorization) => {
  expect(parseServiceAddress(baseUrl)).toEqual({ endpoint, authorization });
});

test.each(['', 'localhost:8880', 'ftp://host', 'me:secret@host'])('%j is none', (baseUrl) => {
  expect(() => parseServiceAddress(baseUrl)).toThrow(
    expect.objectContaining({ code: 'request_invalid', message: expect.not.stringContaining('secret') }),
  );
});
