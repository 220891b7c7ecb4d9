import { TalebackError } from '@taleback/core';
import { describe, expect, test } from 'vitest';
import type { FromSpeechThread, ToSpeechThread } from '../engines/index.ts';
import { SpeechPool } from './speech-pool.ts';
import type { SpeechThreadEvents } from './speech-thread.ts';

/** A thread that does what the test says, when it says so. */
class StagedThread {
  readonly got: ToSpeechThread[] = [];
  readonly #events: SpeechThreadEvents;
  isTerminated = false;

  constructor(events: SpeechThreadEvents) {
    this.#events = events;
  }

  post(message: ToSpeechThread): void {
    this.got.push(message);
  }

  async terminate(): Promise<void> {
    this.isTerminated = true;
  }

  /** Answers its last chunk with its text's length as the only sample. */
  speak(id = this.last.id): void {
    const samples = Int16Array.of(this.last.chunk.text.length);
    this.#events.onMessage({ type: 'audio', id, sampleRateHz: 16_000, samples });
  }

  say(message: FromSpeechThread): void {
    this.#events.onMessage(message);
  }

  crash(cause = 'boom'): void {
    this.#events.onEnd(cause);
  }

  get last(): ToSpeechThread {
    const last = this.got.at(-1);
    if (last === undefined) throw new Error('no chunk yet');
    return last;
  }

  get texts(): string[] {
    return this.got.map(({ chunk }) => chunk.text);
  }
}

const stage = (size = 1) => {
  const threads: StagedThread[] = [];
  const timers = new Map<number, () => void>();
  let lastTimer = 0;
  const pool = new SpeechPool({
    size,
    chunkTimeoutMs: 1000,
    openThread: (events) => {
      const thread = new StagedThread(events);
      threads.push(thread);
      return thread;
    },
    startTimer: (_delayMs, onTime) => {
      lastTimer += 1;
      const timer = lastTimer;
      timers.set(timer, onTime);
      return () => timers.delete(timer);
    },
  });
  const say = async (text: string, signal?: AbortSignal): Promise<number | undefined> =>
    (await pool.synthesizeChunk({ text, voiceId: 'v' }, { signal })).samples[0];
  const at = (index: number): StagedThread => {
    const thread = threads[index];
    if (thread === undefined) throw new Error(`no thread ${index} yet`);
    return thread;
  };
  return { pool, threads, timers, say, at };
};

/** Lets everything that can go on go on. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const code = (expected: string): unknown => expect.objectContaining({ code: expected });

describe('SpeechPool', () => {
  test('serves first come first served, one chunk per thread', async () => {
    const { say, at, pool } = stage();
    const spoken = Promise.all([say('a'), say('bb'), say('ccc')]);
    expect(pool.stats()).toEqual({ threads: 1, busy: 1, waiting: 2 });
    for (const texts of [['a'], ['a', 'bb'], ['a', 'bb', 'ccc']]) {
      expect(at(0).texts).toEqual(texts);
      at(0).speak();
      await settle();
    }
    expect(await spoken).toEqual([1, 2, 3]);
    expect(pool.stats()).toEqual({ threads: 1, busy: 0, waiting: 0 });
  });

  test('starts no more threads than there is work, and prefers one that is warm', async () => {
    const { say, at, threads } = stage(3);
    const first = say('a');
    at(0).speak();
    await first;
    void say('b').catch(() => {});
    expect(threads).toHaveLength(1);
    void say('c').catch(() => {});
    expect(threads).toHaveLength(2);
  });

  test.each([0, 1])('gives the next chunk to the warm thread when thread %d is gone', async (gone) => {
    const { say, at, threads } = stage(2);
    const both = Promise.all([say('a'), say('b')]);
    at(0).speak();
    at(1).speak();
    await both;
    at(gone).crash();
    const next = say('ccc');
    at(1 - gone).speak();
    expect([await next, threads.length]).toEqual([3, 2]);
  });

  test('passes on what the engine refuses, and keeps the thread', async () => {
    const { say, at } = stage();
    const refused = say('...');
    at(0).say({
      type: 'failed',
      id: at(0).last.id,
      error: { code: 'text_not_speakable', message: 'Nothing.', retryable: false, details: 'dots' },
    });
    await expect(refused).rejects.toMatchObject({ code: 'text_not_speakable', details: 'dots' });
    expect(at(0).isTerminated).toBe(false);
  });

  test('takes a waiting chunk out of the queue when it is aborted', async () => {
    const { say, at, pool } = stage();
    const stop = new AbortController();
    const first = say('a');
    const second = say('bb', stop.signal);
    stop.abort();
    await expect(second).rejects.toEqual(code('job_cancelled'));
    expect(pool.stats().waiting).toBe(0);
    at(0).speak();
    expect(await first).toBe(1);
  });

  test('ends the thread of a chunk that is aborted while it runs, and replaces it', async () => {
    const { say, at } = stage();
    const reason = new TalebackError('system_protection', 'Too hot.');
    const stop = new AbortController();
    const running = say('a', stop.signal);
    const waiting = say('bb');
    stop.abort(reason);
    await expect(running).rejects.toBe(reason);
    expect(at(0).isTerminated).toBe(true);
    at(0).speak(at(0).last.id);
    at(1).speak();
    expect(await waiting).toBe(2);
  });

  test('refuses a chunk that is aborted before it came', async () => {
    const { say, threads } = stage();
    await expect(say('a', AbortSignal.abort())).rejects.toEqual(code('job_cancelled'));
    expect(threads).toHaveLength(0);
  });

  test('stops a chunk that takes too long', async () => {
    const { say, at, timers } = stage();
    const slow = say('a');
    expect(timers.size).toBe(1);
    for (const onTime of timers.values()) onTime();
    await expect(slow).rejects.toEqual(code('timed_out'));
    expect([at(0).isTerminated, timers.size]).toEqual([true, 0]);
  });

  test('tries a chunk once more, ahead of the queue, when its thread dies', async () => {
    const { say, at } = stage();
    const unlucky = say('a');
    const waiting = say('bb');
    at(0).crash();
    await settle();
    expect(at(1).texts).toEqual(['a']);
    at(1).speak();
    expect(await unlucky).toBe(1);
    at(1).speak();
    expect(await waiting).toBe(2);
  });

  test('gives a chunk up after two threads, and goes on with the next', async () => {
    const { say, at } = stage();
    const deadly = say('a');
    const waiting = say('bb');
    at(0).crash();
    await settle();
    at(1).crash('exit code 134');
    await expect(deadly).rejects.toMatchObject({ code: 'worker_lost', details: 'exit code 134' });
    at(2).speak();
    expect(await waiting).toBe(2);
  });

  test('does not hand out an answer to another chunk', async () => {
    const { say, at } = stage();
    const spoken = say('a');
    at(0).speak(77);
    await settle();
    expect(at(0).isTerminated).toBe(true);
    at(1).speak();
    expect(await spoken).toBe(1);
  });

  test('replaces a thread that died with nothing to do', async () => {
    const { say, at, pool } = stage();
    const first = say('a');
    at(0).speak();
    await first;
    at(0).crash();
    expect(pool.stats()).toEqual({ threads: 0, busy: 0, waiting: 0 });
    const second = say('bb');
    at(1).speak();
    expect(await second).toBe(2);
  });

  test('killThread lets the chunk be tried again', async () => {
    const { say, at, pool } = stage();
    const spoken = say('a');
    pool.killThread(0);
    await settle();
    at(1).speak();
    expect([await spoken, at(0).isTerminated]).toEqual([1, true]);
    expect(() => pool.killThread(1)).toThrow(RangeError);
  });

  test('does not try again what was aborted', async () => {
    const { say, pool, threads } = stage();
    const stop = new AbortController();
    const killed = say('a', stop.signal);
    pool.killThread(0);
    stop.abort();
    await expect(killed).rejects.toEqual(code('job_cancelled'));
    expect(threads).toHaveLength(1);
  });

  test('a thread that cannot be opened is a lost one', async () => {
    const pool = new SpeechPool({
      size: 1,
      openThread: () => {
        throw new Error('no memory');
      },
    });
    const spoken = pool.synthesizeChunk({ text: 'a', voiceId: 'v' });
    await expect(spoken).rejects.toMatchObject({ code: 'worker_lost', details: 'no memory' });
  });

  test('close settles everything, once and for all', async () => {
    const { say, at, pool, timers } = stage(2);
    const spoken = Promise.allSettled([say('a'), say('b'), say('c')]);
    await Promise.all([pool.close(), pool.close()]);
    const reasons = (await spoken).map((end) => end.status === 'rejected' && end.reason);
    expect(reasons).toEqual([code('job_cancelled'), code('job_cancelled'), code('job_cancelled')]);
    expect([at(0).isTerminated, at(1).isTerminated, timers.size]).toEqual([true, true, 0]);
    await expect(say('late')).rejects.toEqual(code('job_cancelled'));
  });

  test.each([0, -1, 1.5, Number.NaN])('refuses a size of %d', (size) => {
    expect(() => stage(size)).toThrow(RangeError);
  });
});
