import { expect, test } from 'vitest';
import { VirtualFile } from './virtual-file.ts';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

test('keeps what is written, also over itself and beyond its first room', () => {
  const file = new VirtualFile(1 << 20);
  expect(file.write(bytes(1, 2, 3))).toBe(true);
  expect(file.seek(1)).toBe(true);
  expect(file.write(bytes(9))).toBe(true);
  expect([...file.contents()]).toEqual([1, 9, 3]);
  expect(file.seek(600_000)).toBe(true);
  expect(file.write(bytes(7))).toBe(true);
  expect(file.size).toBe(600_001);
  expect(file.contents().at(-1)).toBe(7);
  expect(file.contents().at(-2)).toBe(0);
});

test('reads from its position on', () => {
  const file = new VirtualFile(100);
  file.write(bytes(1, 2, 3));
  file.seek(1);
  const target = bytes(0, 0, 0, 0);
  expect(file.read(target)).toBe(2);
  expect([...target]).toEqual([2, 3, 0, 0]);
  expect(file.read(target)).toBe(0);
});

test('reads nothing beyond its end', () => {
  const file = new VirtualFile(100);
  file.write(bytes(1));
  file.seek(50);
  expect(file.read(bytes(0))).toBe(0);
  expect(file.position).toBe(50);
});

test('refuses to grow beyond its bound', () => {
  const file = new VirtualFile(4);
  expect(file.write(bytes(1, 2, 3, 4, 5))).toBe(false);
  expect(file.size).toBe(0);
  expect(file.seek(5)).toBe(false);
  expect(file.seek(-1)).toBe(false);
  expect(file.write(bytes(1, 2, 3, 4))).toBe(true);
});

test('forgets everything when truncated', () => {
  const file = new VirtualFile(100);
  file.write(bytes(1, 2, 3));
  file.truncate();
  expect(file.size).toBe(0);
  file.seek(2);
  file.write(bytes(5));
  expect([...file.contents()]).toEqual([0, 0, 5]);
});
