import { expect, it } from 'vitest';
import { signedAtMs } from './renew-audio.ts';

it.each([
  ['https://s3.example/tales/a.mp3?X-Amz-Date=20261121T170000Z&X-Amz-Expires=60', '2026-11-21T17:00:00Z'],
  ['https://storage.googleapis.com/tales/a.mp3?X-Goog-Date=20260229T000001Z', '2026-03-01T00:00:01Z'],
])('reads when %s was signed', (address, time) => {
  expect(signedAtMs(address)).toBe(Date.parse(time));
});

it.each([
  'https://audio.example/a.mp3',
  'https://s3.example/a.mp3?X-Amz-Date=yesterday',
  'https://s3.example/a.mp3?X-Amz-Date=20269921T170000Z',
  '/a.mp3?X-Amz-Date=20261121T170000Z',
  '',
])('does not find it in %s', (address) => {
  expect(signedAtMs(address)).toBeUndefined();
});
