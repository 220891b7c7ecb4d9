import { afterEach, describe, expect, test, vi } from 'vitest';
import type { SpeechEngine } from '../../src/engines/engine.ts';
import { soundOf } from '../children/staged-engine.ts';
import { isAlive } from '../speech/open-embedded.ts';
import { openStaged, type StagedService } from './open-staged.ts';

let service: StagedService | undefined;
afterEach(async () => {
  await service?.close();
  service = undefined;
});

const speak = (engine: SpeechEngine, text: string): Promise<unknown> =>
  engine.synthesizeChunk({ text, voiceId: 'v' });

const until = (assertion: () => unknown): Promise<unknown> =>
  vi.waitFor(assertion, { timeout: 120_000, interval: 10 });

describe('the life of workers, with real processes', () => {
  test('a worker that hangs (SIGSTOP) is found by the health check and replaced', async () => {
    service = await openStaged({
      workerPool: { minWorkers: 2, maxWorkers: 2 },
      health: { intervalMs: 200 },
    });
    const { manager, pids, events } = service;
    await until(() => expect(manager.getStatus().activeWorkers).toBe(2));
    const [id = '', pid = 0] = [...pids()][0] ?? [];
    process.kill(pid, 'SIGSTOP');
    // What it is given while it hangs is spoken by another.
    const spoken = Promise.all(
      Array.from({ length: 20 }, (_, index) => speak(manager.engine, `text ${index}`)),
    );
    await until(() => {
      const now = pids().get(id);
      expect(now).toBeDefined();
      expect(now).not.toBe(pid);
    });
    expect(isAlive(pid)).toBe(false);
    expect(await spoken).toEqual(Array.from({ length: 20 }, (_, index) => soundOf(`text ${index}`)));
    const states = events.flatMap((event) =>
      event.kind === 'worker-changed' && event.workerId === id ? [`${event.to} ${event.cause ?? ''}`] : [],
    );
    expect(states).toContainEqual(expect.stringMatching(/^UNHEALTHY 3 health checks without an answer/));
  });

  test('a worker that leaks is recycled, and nothing is lost by it', async () => {
    service = await openStaged({
      workerPool: { minWorkers: 1, maxWorkers: 1, recycleAboveBytes: 250 * 2 ** 20 },
      // A child that takes long to allocate on a busy machine must not count as hung.
      health: { intervalMs: 500 },
    });
    const { manager, pids, events } = service;
    const [, pid = 0] = [...pids()][0] ?? [];
    const text = 'leak:20';
    const spoken: unknown[] = [];
    await until(async () => {
      spoken.push(await speak(manager.engine, text));
      expect([...pids().values()]).not.toEqual([pid]);
    });
    await until(() => expect(manager.getStatus().activeWorkers).toBe(1));
    expect(spoken.every((sound) => JSON.stringify(sound) === JSON.stringify(soundOf(text)))).toBe(true);
    expect(isAlive(pid)).toBe(false);
    expect(events).toContainEqual(
      expect.objectContaining({
        kind: 'worker-changed',
        to: 'SHUTTING_DOWN',
        cause: expect.stringMatching(/MiB/),
      }),
    );
    expect(manager.getStatus().requests.failed).toBe(0);
  });

  test('grows from 1 to 5 workers under a burst of a thousand, every one answered with its own', async () => {
    service = await openStaged({});
    const { manager } = service;
    expect(manager.getStatus().workers).toHaveLength(1);
    const texts = Array.from({ length: 1_000 }, (_, index) => `burst ${index}`);
    const sounds = await Promise.all(texts.map((text) => speak(manager.engine, text)));
    expect(sounds).toEqual(texts.map(soundOf));
    expect(manager.getStatus().workers).toHaveLength(5);
  });

  test('shrinks to its least when there is nothing to do, and leaves no process', async () => {
    service = await openStaged({ workerPool: { minWorkers: 1, maxWorkers: 3, scaleDownThreshold: 100 } });
    const { manager, pids } = service;
    await Promise.all(Array.from({ length: 200 }, (_, index) => speak(manager.engine, `wait:10 ${index}`)));
    const most = [...pids().values()];
    expect(most).toHaveLength(3);
    await until(() => expect(manager.getStatus().workers).toHaveLength(1));
    await until(() => expect(most.filter(isAlive)).toHaveLength(1));
  });

  test('a text that kills its worker ends typed, and the others are not harmed', async () => {
    service = await openStaged({ workerPool: { minWorkers: 2, maxWorkers: 2 } });
    const { manager } = service;
    const deadly = speak(manager.engine, 'die');
    deadly.catch(() => {});
    const others = Promise.all(
      Array.from({ length: 50 }, (_, index) => speak(manager.engine, `wait:5 ${index}`)),
    );
    await expect(deadly).rejects.toMatchObject({ code: 'worker_lost', retryable: true });
    expect(await others).toHaveLength(50);
  });

  test('a request that takes too long is stopped, its worker replaced', async () => {
    service = await openStaged({
      workerPool: { minWorkers: 1, maxWorkers: 1 },
      circuitBreaker: { timeoutMs: 300 },
      retry: { maxAttempts: 2 },
    });
    const { manager, pids } = service;
    const [, pid = 0] = [...pids()][0] ?? [];
    await expect(speak(manager.engine, 'wait:60000')).rejects.toMatchObject({ code: 'timed_out' });
    expect(await speak(manager.engine, 'after')).toEqual(soundOf('after'));
    expect(isAlive(pid)).toBe(false);
  });

  test('shutdown lets what is under way end, and leaves no process', async () => {
    service = await openStaged({ workerPool: { minWorkers: 2, maxWorkers: 2 } });
    const { manager, pids } = service;
    await until(() => expect(pids().size).toBe(2));
    const spoken = Promise.all(
      Array.from({ length: 6 }, (_, index) => speak(manager.engine, `wait:100 ${index}`)),
    );
    const living = [...pids().values()];
    await manager.shutdown();
    expect(await spoken).toHaveLength(6);
    expect(living.filter(isAlive)).toEqual([]);
    await expect(speak(manager.engine, 'late')).rejects.toMatchObject({ code: 'job_cancelled' });
  });
});
