import { TalebackError } from '@taleback/core';
import { createFakeClock } from '@taleback/resilience/testing';
import { describe, expect, it } from 'vitest';
import { createWavEncoder } from '../audio/audio-encoder.ts';
import { type Pcm, samplesIn } from '../audio/pcm.ts';
import type { RemoteEngine } from '../engines/engine.ts';
import { TtsManager } from './tts-manager.ts';
import { openFakePlugin } from '../../test/support/fake-plugin.ts';

const speech = (text: string): Pcm => ({
  sampleRateHz: 1_000,
  samples: new Int16Array(samplesIn(text.length * 60, 1_000)).fill(3_000),
});

const silent = (): void => {};

interface Staged {
  /** Chunks it speaks before it dies. */
  diesAfter?: number;
  isAway?: boolean;
  /** Its service answers, and has nothing to speak with. */
  isEmpty?: boolean;
}

const openHarness = (names: Record<string, Staged>) => {
  const clock = createFakeClock(1_000_000);
  const logged: string[] = [];
  const log = (severity: string, message: string): void => void logged.push(`${severity}: ${message}`);
  const spoken: string[] = [];
  const engines = Object.entries(names).map(([name, staged]): RemoteEngine => {
    let chunks = 0;
    return {
      name,
      languages: ['en'],
      voices: () => [{ id: `${name}-voice`, name, languages: ['en'] }],
      prepareText: (text) => text,
      concurrency: 2,
      policy: {
        name,
        timeoutMs: 60_000,
        breaker: { strategy: { kind: 'consecutive', failures: 5 }, cooldownMs: 60_000 },
      },
      endpoint: 'http://127.0.0.1:1',
      probe: async () => {
        if (staged.isAway === true) throw new TalebackError('network_unreachable', 'Nobody is there.');
        if (staged.isEmpty === true) throw new TalebackError('model_unavailable', 'No model is loaded.');
        return { details: '', latencyMs: 1 };
      },
      synthesizeChunk: async ({ text }) => {
        chunks += 1;
        if (staged.isAway === true || chunks > (staged.diesAfter ?? Number.POSITIVE_INFINITY)) {
          throw new TalebackError('network_unreachable', 'Nobody is there.');
        }
        spoken.push(`${name} ${text}`);
        return speech(text);
      },
    };
  }) as [RemoteEngine, ...RemoteEngine[]];
  const manager = new TtsManager({}, { engines, mostVoices: 2, log, clock });
  return { manager, clock, logged, spoken, narrate: manager.narrator(createWavEncoder()) };
};

const STORY = { text: 'One here.\n\nTwo here.\n\nThree here.\n\nFour here.', language: 'en' };

describe('TtsManager with several engines', () => {
  it('tests the service that is named, or each', async () => {
    const { manager, clock, spoken } = openHarness({ first: {}, second: {} });
    await manager.initialize();
    for (const name of ['second', 'ghost', undefined]) {
      spoken.length = 0;
      await clock.advanceAsync(5_000);
      await manager.testServices(name);
      expect(spoken).toEqual(['first Yes.', 'second Yes.'].filter((line) => line.startsWith(name ?? '')));
    }
    await manager.shutdown();
  });

  it('speaks a whole story with the second engine when the first dies in the middle of it', async () => {
    const { manager, narrate, spoken } = openHarness({ first: { diesAfter: 2 }, second: {} });
    await manager.initialize();
    const narration = await narrate(STORY);
    expect(narration).toMatchObject({ engine: 'second', chunkCount: 4, failedBefore: [{ engine: 'first' }] });
    const bySecond = spoken.filter((line) => line.startsWith('second'));
    expect(bySecond).toEqual(
      ['Yes.', 'One here.', 'Two here.', 'Three here.', 'Four here.'].map((text) => `second ${text}`),
    );
    await manager.shutdown();
  });

  it('shows every engine, and counts what all of them do', async () => {
    const { manager, narrate } = openHarness({ first: { isAway: true }, second: {} });
    await manager.initialize();
    await narrate(STORY);
    expect(manager.engines().map(({ name, state, errorCode }) => [name, state, errorCode])).toEqual([
      ['first', 'unavailable', 'network_unreachable'],
      ['second', 'ready', undefined],
    ]);
    const status = manager.getStatus();
    expect(status).toMatchObject({ ready: true, state: 'degraded', mode: 'remote' });
    expect(status.reasons.join()).toContain('first is UNHEALTHY');
    expect(status.requests.spoken).toBeGreaterThanOrEqual(4);
    expect(status.workers.map(({ id }) => id)).toEqual(['first', 'second']);
    await manager.shutdown();
    expect(manager.readiness().state).toBe('stopping');
  });

  it('closes breakers by name, or all', async () => {
    const { manager, narrate } = openHarness({ first: { diesAfter: 0 }, second: { diesAfter: 0 } });
    await manager.initialize();
    for (let count = 0; count < 5; count += 1) await narrate(STORY).catch(() => {});
    expect(manager.engines().map(({ breaker }) => breaker)).toEqual(['OPEN', 'OPEN']);
    expect(manager.resetBreakers('ghost')).toBe(false);
    expect(manager.resetBreakers('first')).toBe(true);
    expect(manager.engines().map(({ breaker }) => breaker)).toEqual(['CLOSED', 'OPEN']);
    manager.resetBreakers();
    expect(manager.engines().map(({ breaker }) => breaker)).toEqual(['CLOSED', 'CLOSED']);
    await manager.shutdown();
  });

  it('speaks with those that came up, and starts the others again', async () => {
    const clock = createFakeClock(1_000_000);
    const place = { isBroken: true };
    const broken = openFakePlugin(clock, { opening: () => (place.isBroken ? 'throws' : 'ready') });
    const engines = [{ ...broken.plugin, name: 'broken' }, openFakePlugin(clock).plugin] as const;
    const manager = new TtsManager({}, { engines, mostVoices: 2, log: silent, clock });
    const started = manager.initialize();
    await clock.advanceAsync(10_000);
    await started;
    expect(manager.readiness()).toMatchObject({ ready: true, state: 'degraded' });
    expect(manager.readiness().reasons.join()).toContain('broken did not start');
    expect(manager.engines()[0]).toMatchObject({ state: 'unavailable', errorCode: 'model_loading_failed' });
    place.isBroken = false;
    await clock.advanceAsync(30_000);
    expect(manager.engines()[0]).toMatchObject({ state: 'ready' });
    const ended = manager.shutdown();
    await clock.advanceAsync(20_000);
    await ended;
  });

  it('is up with the first engine, however long the others load', async () => {
    const clock = createFakeClock(1_000_000);
    const slow = openFakePlugin(clock, { opening: () => 'silent' });
    const engines = [{ ...slow.plugin, name: 'slow' }, openFakePlugin(clock).plugin] as const;
    const manager = new TtsManager({}, { engines, mostVoices: 2, log: silent, clock });
    const started = manager.initialize();
    await clock.advanceAsync(100);
    await started;
    expect(manager.engines().map(({ state }) => state)).toEqual(['unavailable', 'ready']);
    const ended = manager.shutdown();
    await clock.advanceAsync(60_000);
    await ended;
  });

  it('does not ask an engine that is known to have no model', async () => {
    const { manager, narrate, clock } = openHarness({ first: { isEmpty: true }, second: {} });
    await manager.initialize();
    await narrate(STORY);
    expect(manager.snapshot().pool?.workers[0]).toMatchObject({ jobsDone: 0 });
    await clock.advanceAsync(0);
    await manager.shutdown();
  });

  it('does not start when none comes up', async () => {
    const clock = createFakeClock(1_000_000);
    const { plugin } = openFakePlugin(clock, { opening: () => 'throws' });
    const manager = new TtsManager({}, { engines: [plugin], mostVoices: 2, log: silent, clock });
    const started = manager.initialize();
    started.catch(() => {});
    await clock.advanceAsync(10_000);
    await expect(started).rejects.toMatchObject({ code: 'model_loading_failed' });
    await manager.shutdown();
  });

  it('leaves the figures of a single engine as they are', async () => {
    const { manager } = openHarness({ only: {} });
    await manager.initialize();
    expect(manager.getStatus().workers.map(({ id }) => id)).toEqual(['only']);
    await manager.shutdown();
  });
});
