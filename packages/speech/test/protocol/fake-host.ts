import { EventEmitter, once } from 'node:events';
import { TalebackError } from '@taleback/core';
import { createFakeClock, type FakeClock } from '@taleback/resilience/testing';
import type { Pcm } from '../../src/audio/pcm.ts';
import type { SpeechEngine } from '../../src/engines/engine.ts';
import { type SpeechService, serveSpeech } from '../../src/protocol/child/serve-speech.ts';
import { FrameReader } from '../../src/protocol/frame-reader.ts';

/** Sound that only this text has. */
export const soundOf = (text: string): Pcm => ({
  sampleRateHz: 16_000,
  samples: Int16Array.from([text.length, ...Array.from(text, (letter) => letter.charCodeAt(0) % 30_000)]),
});

/** Speaks after as many milliseconds as the text begins with; "long N text" has N samples; "fail" fails. */
export const createPacedEngine = (clock: FakeClock): SpeechEngine => ({
  name: 'paced',
  languages: ['en'],
  concurrency: 4,
  voices: () => [{ id: 'first', name: 'First', languages: ['en'] }],
  prepareText: (text) => text,
  synthesizeChunk: async ({ text, voiceId }, options) => {
    const delayMs = Number.parseInt(text, 10);
    if (delayMs > 0) {
      await new Promise<void>((resolve, reject) => {
        clock.setTimer(resolve, delayMs);
        options?.signal?.addEventListener('abort', () =>
          reject(new TalebackError('job_cancelled', 'stopped')),
        );
      });
    }
    if (text.includes('fail')) throw new TalebackError('model_failed', 'x'.repeat(5_000), { details: text });
    const [word, count] = text.split(' ');
    if (word === 'long') return { sampleRateHz: 16_000, samples: new Int16Array(Number(count)) };
    return soundOf(`${voiceId}:${text}`);
  },
});

export interface Said {
  readonly message: Readonly<Record<string, unknown>>;
  readonly raw: Uint8Array | undefined;
}

export interface FakeHost {
  readonly clock: FakeClock;
  /** Puts bytes into its standard input. */
  readonly hear: (chunk: string | Uint8Array) => void;
  readonly hearObject: (message: object) => void;
  readonly hearEvent: (event: 'end' | 'close' | 'error') => void;
  /** What it said. Anything else than frames makes `strays`. */
  readonly said: Said[];
  readonly strays: string[];
  readonly exits: number[];
  readonly logged: string[];
  readonly loaded: () => void;
  readonly failLoading: (error: unknown) => void;
  /** Lets go what it said before it leaves. */
  readonly flush: () => void;
}

/** A child whose streams are in memory. Its engine is there when `loaded` is called. */
export const startHost = (given: Partial<SpeechService> = {}): FakeHost => {
  const clock = createFakeClock(1_000);
  const input = new EventEmitter();
  const said: Said[] = [];
  const strays: string[] = [];
  const exits: number[] = [];
  const logged: string[] = [];
  const flushes: (() => void)[] = [];
  const reader = new FrameReader({
    onFrame: (frame) => said.push(frame),
    onNoise: (excerpt) => strays.push(excerpt),
    onBroken: (reason) => strays.push(reason),
  });
  const loading = new EventEmitter();
  const load = async (): Promise<SpeechEngine> => {
    const [end] = (await once(loading, 'end')) as [{ engine: SpeechEngine } | { error: unknown }];
    if ('error' in end) throw end.error;
    return end.engine;
  };
  serveSpeech({
    engine: 'paced',
    load,
    concurrency: 4,
    input: input as unknown as NodeJS.ReadableStream,
    output: {
      write: (line, raw) => {
        reader.push(Buffer.from(line));
        if (raw !== undefined) reader.push(Buffer.concat([raw, Buffer.from('\n')]));
      },
      flush: (done) => void flushes.push(done),
    },
    exit: (code) => exits.push(code),
    log: (line) => logged.push(line),
    now: () => clock.now(),
    ...given,
  });
  const hear = (chunk: string | Uint8Array): void => void input.emit('data', Buffer.from(chunk as string));
  return {
    clock,
    hear,
    hearObject: (message) => hear(`${JSON.stringify(message)}\n`),
    hearEvent: (event) => void input.emit(event, new Error('gone')),
    said,
    strays,
    exits,
    logged,
    loaded: () => void loading.emit('end', { engine: createPacedEngine(clock) }),
    failLoading: (error) => void loading.emit('end', { error }),
    flush: () => {
      for (const done of flushes.splice(0)) done();
    },
  };
};
