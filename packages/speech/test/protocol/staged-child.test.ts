import { afterEach, describe, expect, test } from 'vitest';
import type { ProtocolVersion } from '../../src/protocol/protocol.ts';
import { STAGED_CHILD_ARGS } from '../children/own-child.ts';
import { soundOf } from '../children/staged-engine.ts';
import { type ChildToDrive, type DrivenChild, endDriven, isRunning, startDriven } from './driven-child.ts';

const VERSIONS = ['2.1.0', '2.0.0', '1.0.0'] as const;

afterEach(endDriven);

const startStaged = (version: ProtocolVersion, options: Partial<ChildToDrive> = {}): Promise<DrivenChild> => {
  const concurrency = version === '1.0.0' ? '1' : '4';
  return startDriven({
    args: [...STAGED_CHILD_ARGS, concurrency],
    versions: [version],
    ...options,
  });
};

const isSame = (end: unknown, text: string): void => {
  const { sound } = end as { sound?: { sampleRateHz: number; samples: Int16Array<ArrayBuffer> } };
  if (sound === undefined) throw new Error(JSON.stringify(end));
  const expected = soundOf(text);
  expect(sound.sampleRateHz).toBe(expected.sampleRateHz);
  // Compared as a whole: a matcher that walks through millions of samples takes seconds.
  expect(Buffer.from(sound.samples.buffer).equals(Buffer.from(expected.samples.buffer))).toBe(true);
};

describe.each(VERSIONS)('a real child in %s', (version) => {
  const isBare = version === '1.0.0';

  test('speaks, each call its own sound', async () => {
    const driven = await startStaged(version);
    expect(await driven.ready).toMatchObject({ protocol: version, concurrency: isBare ? 1 : 4 });
    const texts = Array.from({ length: 20 }, (_, index) => `wait:${(index * 7) % 20} text ${index}`);
    if (isBare) for (const text of texts) isSame(await driven.speak(text).end, text);
    else {
      const calls = texts.map((text) => driven.speak(text).end);
      for (const [index, text] of texts.entries()) isSame(await calls[index], text);
    }
    expect(driven.filesLeft()).toEqual([]);
  });

  test('reports what went wrong, and goes on', async () => {
    const driven = await startStaged(version);
    await driven.ready;
    expect(await driven.speak('fail:gpu_out_of_memory').end).toEqual({
      error: { code: 'gpu_out_of_memory', message: 'staged gpu_out_of_memory', retryable: true },
    });
    isSame(await driven.speak('on').end, 'on');
    expect(driven.filesLeft()).toEqual([]);
  });

  test('is not disturbed by noise', async () => {
    const driven = await startStaged(version);
    await driven.ready;
    for (const text of ['print', 'write:hello', 'write:{"a"', 'print write:{}'])
      isSame(await driven.speak(text).end, text);
    const count = (words: string): number => driven.lines.filter((line) => line.startsWith(words)).length;
    expect(count('speech child wrote something else')).toBe(3);
    // Standard error is a stream of its own, with a pace of its own.
    await expect.poll(() => count('speech child says')).toBe(2);
  });

  test.each([2 ** 20, 20 * 2 ** 20])('carries %i bytes of sound', async (sizeBytes) => {
    const driven = await startStaged(version);
    await driven.ready;
    const text = `bytes:${sizeBytes} of sound`;
    isSame(await driven.speak(text).end, text);
    isSame(await driven.speak('and more').end, 'and more');
    expect(driven.filesLeft()).toEqual([]);
  });

  test('killed, it takes its calls along and leaves nothing', async () => {
    const driven = await startStaged(version);
    await driven.ready;
    const call = driven.speak('wait:60000 never');
    if (!isBare) await driven.ping();
    process.kill(driven.pid, 'SIGKILL');
    expect(await driven.ended).toBe('signal SIGKILL');
    await expect(call.end).rejects.toThrow('the child ended');
    expect(isRunning(driven.pid)).toBe(false);
    expect(driven.filesLeft()).toEqual([]);
  });

  test('leaves when it is asked to, after what it is doing', async () => {
    const driven = await startStaged(version);
    await driven.ready;
    // 1.0 can only close the input, which is never done before the answer.
    const text = 'wait:20 bytes:8000000 last words';
    const call = driven.speak(text);
    if (isBare) await call.end;
    driven.child.leave();
    isSame(await call.end, text);
    expect(await driven.ended).toBe('exit code 0');
  });
});

describe('a real child', () => {
  test('agrees on the newest version automatically, and loads afterwards', async () => {
    const driven = await startDriven({
      args: [...STAGED_CHILD_ARGS, '3', '300'],
      negotiationTimeoutMs: 60_000,
    });
    expect(await driven.ready).toEqual({ protocol: '2.1.0', concurrency: 3, model: 'staged' });
  });

  test('answers pings while it speaks, and stops on request', async () => {
    const driven = await startStaged('2.1.0');
    await driven.ready;
    const call = driven.speak('wait:60000 long');
    const other = driven.speak('other');
    expect(await driven.ping()).toBeGreaterThan(2 ** 20);
    driven.child.cancel(call.id);
    expect(await call.end).toMatchObject({ error: { code: 'job_cancelled' } });
    isSame(await other.end, 'other');
  });

  test.each(VERSIONS)('that breaks the protocol in %s is ended', async (version) => {
    const driven = await startStaged(version);
    await driven.ready;
    const call = driven.speak('break wait:60000');
    const reason = 'a byteLength that is no whole number from 0 to 67108864';
    expect(await driven.ended).toBe(`broke the protocol: ${reason} (signal SIGKILL)`);
    await expect(call.end).rejects.toThrow(reason);
    expect(isRunning(driven.pid)).toBe(false);
    expect(driven.filesLeft()).toEqual([]);
  });
});
