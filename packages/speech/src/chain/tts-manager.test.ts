import type { ProfileNumbers } from '@taleback/resilience';
import { createFakeClock } from '@taleback/resilience/testing';
import { describe, expect, it } from 'vitest';
import { createWavEncoder } from '../audio/audio-encoder.ts';
import type { SynthesisEvent } from '../pool/speech-line.ts';
import { Protection } from '../protection/protection.ts';
import { type FakePluginOptions, openFakePlugin } from '../../test/support/fake-plugin.ts';
import type { TtsManagerOverrides } from '../pool/pool-config.ts';
import { report } from '../../test/support/fake-child.ts';
import { TtsManager } from './tts-manager.ts';

const log = (): void => {};
const random = (): number => 0.5;

interface Options extends FakePluginOptions {
  readonly overrides?: TtsManagerOverrides;
}

const setup = ({ overrides = {}, ...pluginOptions }: Options = {}) => {
  const clock = createFakeClock(1_700_000_000_000);
  const { plugin, children } = openFakePlugin(clock, pluginOptions);
  const machine = { reading: { cpuRatio: 0.25, memoryRatio: 0.5, loadPerCore: 0.1 } };
  const protection = new Protection({}, { readMachine: async () => machine.reading, log, clock });
  const events: SynthesisEvent[] = [];
  const listeners = [(event: SynthesisEvent): void => void events.push(event)];
  const manager = new TtsManager(overrides, { engines: [plugin], protection, listeners, log, clock, random });
  return { clock, plugin, children, protection, events, manager, machine };
};

type Setup = ReturnType<typeof setup>;

const started = async (options?: Options): Promise<Setup> => {
  const parts = setup(options);
  const initialized = parts.manager.initialize();
  await parts.clock.advanceAsync(0);
  await initialized;
  return parts;
};

/** Waits for it while time passes. */
const after = async <T>({ clock }: Setup, running: Promise<T>, ms = 100): Promise<T> => {
  running.catch(() => {});
  await clock.advanceAsync(ms);
  return running;
};

const HELLO = { text: 'Hello there.' };

const openOwn = async (numbers: Partial<ProfileNumbers>) => {
  const clock = createFakeClock();
  const { plugin, children } = openFakePlugin(clock, { answersAfterMs: Number.POSITIVE_INFINITY });
  const manager = new TtsManager({}, { engines: [{ ...plugin, numbers }], log, clock, random });
  const initialized = manager.initialize();
  await clock.advanceAsync(0);
  await initialized;
  const speak = (text: string): Promise<string> =>
    manager.engine.synthesizeChunk({ text, voiceId: 'jenny' }).then(
      () => 'spoken',
      (error: unknown) => String(error),
    );
  return { clock, children, manager, speak, workers: () => manager.snapshot().pool?.workers ?? [] };
};

describe('an engine in processes with numbers of its own', () => {
  it('opens the breaker after so many failures in a row, for so long', async () => {
    const { clock, children, speak, workers } = await openOwn({ failures: 2, cooldownMs: 7_000, retries: 0 });
    for (const state of ['CLOSED', 'OPEN']) {
      const spoken = speak('Hello.');
      children[0]?.fail(report('model_failed'));
      await spoken;
      expect(workers()[0]?.breaker).toBe(state);
    }
    expect(workers()[0]?.retryAtMs).toBe(clock.now() + 7_000);
  });

  it('waits for the next minute after so many requests', async () => {
    const { clock, children, speak } = await openOwn({ requestsPerMinute: 2, maxConcurrent: 1 });
    const said = ['One.', 'Two.', 'Three.'].map(speak);
    await clock.advanceAsync(0);
    for (const _ of ['One.', 'Two.']) {
      children[0]?.answer();
      await clock.settle();
    }
    await clock.advanceAsync(59_000);
    expect(children[0]?.heard).toEqual(['One.', 'Two.']);
    await clock.advanceAsync(1_000);
    expect(children[0]?.heard).toEqual(['One.', 'Two.', 'Three.']);
    children[0]?.answer();
    expect(await Promise.all(said)).toEqual(['spoken', 'spoken', 'spoken']);
  });
});

describe('TtsManager', () => {
  it('speaks a text into a WAV file', async () => {
    const parts = await started();
    const result = await after(
      parts,
      parts.manager.synthesize({ ...HELLO, voice: 'alan', priority: 'high' }),
    );
    expect(result).toMatchObject({
      contentType: 'audio/wav',
      sampleRateHz: 1_000,
      voice: 'alan',
      engine: 'staged',
    });
    expect(Buffer.from(result.audio.subarray(0, 4)).toString('latin1')).toBe('RIFF');
    expect(result.audio.byteLength).toBe(44 + (result.durationMs / 1_000) * 1_000 * 2);
    expect(structuredClone(result)).toEqual(result);
    expect(parts.events).toContainEqual({ kind: 'accepted', priority: 'high' });
  });

  it('starts once, however often it is asked to', async () => {
    const { manager, clock, children } = setup();
    const both = Promise.all([manager.initialize(), manager.initialize()]);
    await clock.advanceAsync(0);
    await both;
    await manager.initialize({ workerPool: { minWorkers: 3 } });
    expect(children).toHaveLength(1);
    expect(manager.getStatus().state).toBe('ready');
  });

  it('takes the configuration that it is started with', async () => {
    const { manager, clock, children } = setup();
    expect(manager.engine.concurrency).toBe(5);
    const initialized = manager.initialize({ workerPool: { minWorkers: 2, maxWorkers: 3 } });
    await clock.advanceAsync(0);
    await initialized;
    expect(children).toHaveLength(2);
    expect(manager.engine.concurrency).toBe(3);
  });

  it('refuses a configuration that cannot be used', async () => {
    expect(() => setup({ overrides: { health: { maxMisses: 0 } } })).toThrow('health.maxMisses');
    const { manager, children } = setup();
    await expect(manager.initialize({ retry: { maxAttempts: 0 } })).rejects.toThrow('retry.maxAttempts');
    expect(children).toEqual([]);
  });

  it('speaks nothing before it is started', async () => {
    const { manager } = setup();
    await expect(manager.synthesize(HELLO)).rejects.toMatchObject({ code: 'model_unavailable' });
    expect(manager.getStatus()).toMatchObject({ state: 'starting', ready: false, queueDepth: null });
  });

  it('refuses requests that cannot be read or spoken', async () => {
    const { manager } = await started();
    await expect(manager.synthesize({ text: 5 } as never)).rejects.toMatchObject({ code: 'request_invalid' });
    await expect(manager.synthesize({ text: ' ' })).rejects.toMatchObject({ code: 'text_empty' });
    const wrongVoice = manager.synthesize({ ...HELLO, voice: 'nobody' });
    await expect(wrongVoice).rejects.toMatchObject({ code: 'voice_not_found' });
  });

  it('stops for a caller that gives up', async () => {
    const parts = await started({ answersAfterMs: 5_000 });
    const stop = new AbortController();
    const running = parts.manager.synthesize(HELLO, { signal: stop.signal });
    await parts.clock.settle();
    expect(parts.manager.getStatus().inFlight).toBe(1);
    stop.abort();
    await expect(running).rejects.toMatchObject({ code: 'job_cancelled' });
    expect(parts.children[0]?.cancelled).toHaveLength(1);
  });

  it.each([
    [true, ['model of jenny', 'model of alan']],
    [false, ['staged', 'staged']],
  ])('modelSpecialization %s', async (modelSpecialization, models) => {
    const overrides = { workerPool: { minWorkers: 2, maxWorkers: 2, modelSpecialization } };
    const parts = await started({ overrides, answersAfterMs: 10 });
    await after(
      parts,
      Promise.all(['jenny', 'alan'].map((voice) => parts.manager.synthesize({ ...HELLO, voice }))),
    );
    expect(parts.manager.getStatus().workers.map(({ model }) => model)).toEqual(models);
  });

  it('leaves nothing of a start that failed, and can be started again', async () => {
    let isBroken = true;
    const parts = setup({ opening: () => (isBroken ? 'dies' : 'ready') });
    const { manager, clock } = parts;
    await expect(after(parts, manager.initialize(), 10_000)).rejects.toMatchObject({
      code: 'model_loading_failed',
    });
    expect(clock.pendingTimers).toBe(0);
    await expect(manager.synthesize(HELLO)).rejects.toMatchObject({ code: 'model_unavailable' });
    isBroken = false;
    await after(parts, manager.initialize());
    expect((await after(parts, manager.synthesize(HELLO))).voice).toBe('jenny');
  });
});

describe('TtsManager, its status', () => {
  const SYSTEM_METRICS = [
    'averageLatency',
    'requestsPerSecond',
    'queueDepth',
    'successRate',
    'circuitBreakerState',
    'workerHealth',
    'memoryUsage',
    'cpuUsage',
    'activeWorkers',
  ];

  it('has the fields of SystemMetrics, before anything and after', async () => {
    const parts = await started({ answersAfterMs: 40 });
    parts.protection.start();
    await parts.clock.settle();
    expect(Object.keys(parts.manager.getStatus())).toEqual(expect.arrayContaining(SYSTEM_METRICS));
    await after(parts, parts.manager.synthesize(HELLO), 10_000);
    expect(parts.manager.getStatus()).toMatchObject({
      averageLatency: 40,
      requestsPerSecond: expect.any(Number),
      queueDepth: 0,
      successRate: 1,
      circuitBreakerState: 'CLOSED',
      workerHealth: [100],
      memoryUsage: 0.5,
      cpuUsage: 0.25,
      activeWorkers: 1,
      averageRoutingTime: 0,
      requests: { accepted: 1, spoken: 1, failed: 0, refused: 0 },
    });
    parts.protection.stop();
  });

  it('counts failures by their code', async () => {
    const parts = await started({ answersAfterMs: 5_000 });
    const running = parts.manager.synthesize(HELLO);
    await parts.clock.settle();
    parts.children[0]?.fail(report('text_not_speakable', false));
    await expect(running).rejects.toMatchObject({ code: 'text_not_speakable' });
    expect(parts.manager.getStatus()).toMatchObject({
      errorsByType: { text_not_speakable: 1 },
      successRate: 0,
      workerHealth: [100],
    });
    parts.manager.record({ kind: 'process-fault', origin: 'uncaughtException' });
    expect(parts.manager.getStatus().processFaults).toBe(1);
  });
});

describe('TtsManager under protection', () => {
  it('refuses and counts new synthesis and new narrations', async () => {
    const parts = await started();
    parts.protection.mode.enter('a drill');
    const narrate = parts.manager.narrator(createWavEncoder());
    const refused = { code: 'system_protection', retryable: true };
    await expect(parts.manager.synthesize(HELLO)).rejects.toMatchObject(refused);
    await expect(narrate({ ...HELLO, language: 'en' })).rejects.toMatchObject(refused);
    const reason = 'by hand: a drill';
    expect(parts.events).toEqual(
      expect.arrayContaining([
        { kind: 'protection-changed', active: true, reason },
        { kind: 'refused', code: 'system_protection' },
      ]),
    );
    expect(parts.manager.getStatus()).toMatchObject({
      state: 'protected',
      ready: false,
      protection: { active: true, reason },
      requests: { accepted: 0, refused: 2 },
      refusalsByType: { system_protection: 2 },
    });
    parts.protection.mode.leave();
    expect(parts.events.at(-1)).toEqual({ kind: 'protection-changed', active: false });
    expect((await after(parts, narrate({ ...HELLO, language: 'en' }))).voiceId).toBe('jenny');
  });

  it('lets what runs already go on', async () => {
    const parts = await started({ answersAfterMs: 50 });
    const running = parts.manager.synthesize(HELLO);
    await parts.clock.settle();
    parts.protection.mode.enter('a drill');
    expect((await after(parts, running)).engine).toBe('staged');
  });
});

describe('TtsManager, its end', () => {
  it('finishes what is under way, then ends every process', async () => {
    const parts = await started({ answersAfterMs: 3_000 });
    const { manager, children, clock, protection, events } = parts;
    const running = manager.synthesize(HELLO);
    await clock.settle();
    const ended = manager.shutdown();
    expect(manager.shutdown()).toBe(ended);
    expect(manager.getStatus()).toMatchObject({ state: 'stopping', ready: false });
    await expect(manager.synthesize(HELLO)).rejects.toMatchObject({ code: 'job_cancelled' });
    await clock.advanceAsync(3_000);
    expect((await running).engine).toBe('staged');
    await ended;
    expect(children.every(({ isEnded }) => isEnded)).toBe(true);
    expect(clock.pendingTimers).toBe(0);
    const told = events.length;
    protection.mode.enter('too late to be told');
    expect(events).toHaveLength(told);
    await expect(manager.initialize()).rejects.toMatchObject({ code: 'job_cancelled' });
  });

  it('gives ten seconds, or as many as it is given', async () => {
    for (const [drainMs, givenMs] of [
      [undefined, 10_000],
      [500, 500],
    ] as const) {
      const parts = await started({
        answersAfterMs: 1e9,
        overrides: { circuitBreaker: { timeoutMs: 30_000 } },
      });
      const running = parts.manager.synthesize(HELLO);
      let end: string | undefined;
      running.catch((error: { code: string }) => {
        end = error.code;
      });
      await parts.clock.settle();
      const ended = parts.manager.shutdown(drainMs);
      await parts.clock.advanceAsync(givenMs - 1);
      expect(end).toBeUndefined();
      await parts.clock.advanceAsync(1);
      expect(end).toBe('job_cancelled');
      await ended;
    }
  });

  it('ends a start that is not over', async () => {
    const parts = setup({ opening: () => 'silent' });
    const initialized = parts.manager.initialize();
    const ended = parts.manager.shutdown();
    await expect(after(parts, initialized)).rejects.toMatchObject({ code: 'job_cancelled' });
    await ended;
    expect(parts.children[0]?.isEnded).toBe(true);
    expect(parts.clock.pendingTimers).toBe(0);
  });

  it('needs no start', async () => {
    const { manager } = setup();
    await manager.shutdown();
    expect(manager.getStatus().state).toBe('stopping');
  });
});
