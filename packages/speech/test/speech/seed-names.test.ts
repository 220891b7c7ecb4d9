import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, test } from 'vitest';
import {
  type ITTSService,
  parseWav,
  TTSManager,
  type TTSManagerConfig,
  VoiceEngine,
} from '../../src/index.ts';
import { FakeIpcMain } from '../support/fake-ipc-main.ts';

/** As seed 004 prints it. */
const config: TTSManagerConfig = {
  workerPool: {
    minWorkers: 1,
    maxWorkers: 3,
    scaleUpThreshold: 5, // Queue depth trigger
    scaleDownThreshold: 30000, // Idle time (ms)
    modelSpecialization: true,
  },
  circuitBreaker: {
    failureThreshold: 0.5, // 50% failure rate
    timeoutMs: 10000, // 10s request timeout
    resetTimeoutMs: 60000, // 1min recovery wait
  },
};

const ownFolders = (): string[] =>
  ['/dev/shm', tmpdir()].flatMap((folder) =>
    readdirSync(folder).filter((name) => name.startsWith(`taleback-${process.pid}-`)),
  );

describe('the worker pool by its original names', () => {
  test('a manager that is given its numbers alone speaks, behind ipcMain too, and leaves nothing', async () => {
    const ttsManager: ITTSService = new TTSManager(config);
    expect(ttsManager.getStatus().state).toBe('starting');
    expect(ownFolders()).toEqual([]);
    await ttsManager.initialize();
    const result = await ttsManager.synthesize({ text: 'Hello world', priority: 'normal' });
    expect(parseWav(result.audio).samples.length).toBeGreaterThan(8_000);

    const ipcMain = new FakeIpcMain();
    ipcMain.handle('tts-synthesize', async (_event, request) =>
      ttsManager.synthesize(request as Parameters<ITTSService['synthesize']>[0]),
    );
    ipcMain.handle('tts-status', async () => ttsManager.getStatus());
    expect(await ipcMain.invoke('tts-synthesize', { text: 'Hello world' })).toEqual(result);
    const status = ttsManager.getStatus();
    expect(await ipcMain.invoke('tts-status')).toMatchObject({ state: 'ready', activeWorkers: 1 });

    // Electron is Node only for children that ask for it.
    const environment = readFileSync(`/proc/${status.workers[0]?.pid}/environ`, 'utf8');
    expect(environment).toContain('ELECTRON_RUN_AS_NODE=1');
    await ttsManager.shutdown();
    expect(ownFolders()).toEqual([]);
  });

  test('a voice engine speaks', async () => {
    const voiceEngine = new VoiceEngine(config);
    await voiceEngine.initialize();
    expect((await voiceEngine.speak('Hello world')).engine).toBe('flite');
    await voiceEngine.shutdown();
  });

  test('a manager that is shut down while it starts leaves nothing', async () => {
    const ttsManager = new TTSManager(config);
    const initialized = ttsManager.initialize();
    await ttsManager.shutdown();
    await expect(initialized).rejects.toMatchObject({ code: 'job_cancelled' });
    expect(ownFolders()).toEqual([]);
  });

  test('a wrong number is named', () => {
    expect(() => new TTSManager({ workerPool: { maxWorkers: 0 } })).toThrow(/workerPool\.maxWorkers/u);
  });
});
