import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { describeSpeechEngine } from '../engines/engine-conformance.ts';
import { ESPEAK_PROFILE, openPythonPlugin, TtsManager, type TtsManagerOverrides } from '../../src/index.ts';
import type { ProtocolVersion } from '../../src/protocol/protocol.ts';
import { isAlive } from '../speech/open-embedded.ts';
import { pidsOf } from './open-staged.ts';

const log = (): void => {};

const isInstalled = spawnSync('espeak-ng', ['--version']).status === 0;
const why = isInstalled ? '' : ' (espeak-ng is not installed)';

const openEspeak = async (
  engine: string,
  versions?: readonly ProtocolVersion[],
  overrides: TtsManagerOverrides = { workerPool: { minWorkers: 2, maxWorkers: 2 } },
) => {
  const { plugin, close } = await openPythonPlugin({
    profile: ESPEAK_PROFILE,
    engine,
    environment: process.env,
    versions,
    modelOf: () => 'espeak-ng',
    log,
  });
  const manager = new TtsManager(overrides, { engines: [plugin], log });
  return {
    manager,
    close: async () => {
      await manager.shutdown(0);
      await close();
    },
  };
};

describe.skipIf(!isInstalled)(`espeak-ng in Python children${why}`, () => {
  describeSpeechEngine('espeak-ng', async () => {
    const { manager, close } = await openEspeak('espeak_ng');
    await manager.initialize();
    return { engine: manager.engine, close };
  });

  describe.each<[ProtocolVersion]>([['2.1.0'], ['2.0.0'], ['1.0.0']])('over protocol %s', (version) => {
    let service: Awaited<ReturnType<typeof openEspeak>>;
    beforeAll(async () => {
      service = await openEspeak('espeak_ng', [version]);
      await service.manager.initialize();
    });
    afterAll(() => service.close());

    test('speaks several languages, survives the loss of a child, and leaves none', async () => {
      const { manager } = service;
      const ask = () =>
        Promise.all([
          manager.synthesize({ text: 'The tide is coming in.', language: 'en' }),
          manager.synthesize({ text: 'Die Flut kommt.', language: 'de' }),
          manager.synthesize({ text: 'La marée monte.', language: 'fr' }),
        ]);
      const before = await ask();
      await vi.waitFor(() => expect(manager.getStatus().activeWorkers).toBe(2), { timeout: 120_000 });
      expect(before.map(({ voice }) => voice)).toEqual(['en-us', 'de', 'fr-fr']);
      expect(new Set(manager.getStatus().workers.map(({ protocol }) => protocol))).toEqual(
        new Set([version]),
      );
      const pids = [...pidsOf(manager).values()];
      const again = ask();
      for (const pid of pids) process.kill(pid, 'SIGKILL');
      expect(await again).toEqual(before);
      const living = [...pidsOf(manager).values()];
      await manager.shutdown();
      expect(living.filter(isAlive)).toEqual([]);
    }, 30_000);
  });
});

describe('a Python engine that cannot be had', () => {
  test.each([
    ['no_such_engine', /no_such_engine/],
    ['coqui', /coqui-tts/],
    ['chatterbox', /chatterbox-tts/],
  ])(
    '%s: says so, instead of waiting',
    async (engine, words) => {
      const { manager, close } = await openEspeak(engine, undefined, { workerPool: { maxWorkers: 1 } });
      await expect(manager.initialize()).rejects.toMatchObject({
        code: 'model_loading_failed',
        details: expect.stringMatching(words) as string,
      });
      await close();
    },
    30_000,
  );
});
