import { ERROR_CATALOGUE, type ErrorCode, TalebackError } from '@taleback/core';
import { createFakeClock } from '@taleback/resilience/testing';
import * as fc from 'fast-check';
import { describe, expect, expectTypeOf, it } from 'vitest';
// As an application imports it.
import { bindIpcMain, parseIpcError, TTS_CHANNELS, TtsManager } from './index.ts';
import { openFakePlugin } from '../test/support/fake-plugin.ts';
import { formatIpcError, type IpcMainLike } from './electron.ts';
import { FakeIpcMain } from '../test/support/fake-ipc-main.ts';

/** `any`, as Electron has it where nothing is known. */
type Anything = ReturnType<JSON['parse']>;

/** What Electron declares of it. */
interface ElectronIpcMain {
  handle(
    channel: string,
    listener: (event: { readonly sender: object }, ...args: Anything[]) => Anything,
  ): void;
  removeHandler(channel: string): void;
}

const setup = async () => {
  const clock = createFakeClock();
  const { plugin } = openFakePlugin(clock);
  const manager = new TtsManager({}, { engines: [plugin], clock, log: () => {} });
  const ipcMain = new FakeIpcMain();
  const unbind = bindIpcMain(ipcMain, manager);
  const initialized = manager.initialize();
  await clock.advanceAsync(0);
  await initialized;
  const invoke = async (channel: string, ...args: unknown[]): Promise<unknown> => {
    const invoked = ipcMain.invoke(channel, ...args);
    invoked.catch(() => {});
    await clock.advanceAsync(1);
    return invoked;
  };
  return { manager, ipcMain, invoke, unbind };
};

const messageOf = async (running: Promise<unknown>): Promise<string> =>
  running.then(
    () => 'no error at all',
    (error: Error) => error.message,
  );

describe('bindIpcMain', () => {
  it("answers a page's request for speech", async () => {
    const { invoke } = await setup();
    const result = await invoke('tts-synthesize', { text: 'Hello there.', priority: 'normal' });
    expect(result).toMatchObject({ contentType: 'audio/wav', voice: 'jenny', sampleRateHz: 1_000 });
    const { audio } = result as { audio: Uint8Array };
    expect(Buffer.from(audio.subarray(8, 12)).toString('latin1')).toBe('WAVE');
  });

  it('sends a page the status', async () => {
    const { ipcMain, manager } = await setup();
    expect(await ipcMain.invoke('tts-status')).toEqual(manager.getStatus());
  });

  it.each<[string, unknown, string]>([
    ['text_empty', { text: '' }, 'The text is empty.'],
    ['request_invalid', undefined, 'The request cannot be read.'],
    ['voice_not_found', { text: 'Hello.', voice: 'nobody' }, 'There is no voice "nobody".'],
  ])('a page can tell that it was %s', async (code, request, message) => {
    const { invoke } = await setup();
    const text = await messageOf(invoke('tts-synthesize', request));
    expect(text).toBe(`Error invoking remote method 'tts-synthesize': Error: [${code}] ${message}`);
    expect(parseIpcError(text)).toEqual({ code, message });
  });

  it('puts faults of others into our words, without their stack', async () => {
    const ipcMain = new FakeIpcMain();
    const fault = new Error('connect ECONNREFUSED 10.0.0.1:5002');
    bindIpcMain(ipcMain, {
      synthesize: () => Promise.reject(fault),
      getStatus: (): never => expect.unreachable(),
    });
    const text = await messageOf(ipcMain.invoke('tts-synthesize', { text: 'a' }));
    expect(parseIpcError(text).code).toBe('network_unreachable');
    expect(text).not.toContain('bind-ipc-main');
  });

  it('gives the channels free again', async () => {
    const { ipcMain, manager, unbind, invoke } = await setup();
    expect(() => bindIpcMain(ipcMain, manager)).toThrow("second handler for 'tts-synthesize'");
    unbind();
    expect(await messageOf(invoke('tts-status'))).toContain("No handler registered for 'tts-status'");
    const unbindAgain = bindIpcMain(ipcMain, manager);
    expect(await invoke('tts-status')).toMatchObject({ state: 'ready' });
    unbindAgain();
  });

  it('takes both channels or none', async () => {
    const { ipcMain, manager, unbind } = await setup();
    unbind();
    ipcMain.handle(TTS_CHANNELS.status, () => 'of somebody else');
    expect(() => bindIpcMain(ipcMain, manager)).toThrow("second handler for 'tts-status'");
    expect(await messageOf(ipcMain.invoke('tts-synthesize', {}))).toContain('No handler registered');
    expect(await ipcMain.invoke('tts-status')).toBe('of somebody else');
  });

  it("takes Electron's own ipcMain", () => {
    // The compiler says it.
    expectTypeOf<ElectronIpcMain>().toExtend<IpcMainLike>();
  });
});

describe('parseIpcError', () => {
  it('finds code and words again behind what Electron puts before them', () => {
    const codes = fc.constantFrom(...(Object.keys(ERROR_CATALOGUE) as ErrorCode[]));
    fc.assert(
      fc.property(codes, fc.string({ unit: 'grapheme' }), (code, message) => {
        const text = `Error invoking remote method 'tts-synthesize': Error: ${formatIpcError(new TalebackError(code, message))}`;
        expect(parseIpcError(text)).toEqual({ code, message });
      }),
    );
  });

  it.each(["Error invoking remote method 'x': TypeError: oh", '[no_such_code] oh', '[timed_out]', ''])(
    'calls %j unknown',
    (text) => {
      expect(parseIpcError(text)).toEqual({ code: 'unknown', message: text });
    },
  );
});
