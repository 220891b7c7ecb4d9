import { Worker } from 'node:worker_threads';
import { type ErrorReport, errorFromReport, TalebackError } from '@taleback/core';
import { OWN_NODE_ARGS, ownFile } from '../own-files.node.ts';
import type { AudioEncoder, AudioStream } from './audio-encoder.ts';

/**
 * Between the main thread and the MP3 thread. A stream has one message under way at a time: the next one is sent
 * when the answer is there, which is also what holds a fast engine back. Samples and bytes are moved, not copied.
 */
export type ToMp3Thread =
  | {
      readonly type: 'open';
      readonly streamId: number;
      readonly sampleRateHz: number;
      readonly bitrateKbps: Mp3BitrateKbps;
    }
  | { readonly type: 'encode'; readonly streamId: number; readonly samples: Int16Array<ArrayBuffer> }
  | { readonly type: 'finish'; readonly streamId: number }
  /** Not answered. */
  | { readonly type: 'abandon'; readonly streamId: number };

export type FromMp3Thread =
  | { readonly type: 'opened'; readonly streamId: number }
  | { readonly type: 'encoded'; readonly streamId: number; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly type: 'failed'; readonly streamId: number; readonly error: ErrorReport };

/** Constant rates that suit one voice. Variable rates are left out: players then misjudge the duration. */
export type Mp3BitrateKbps = 32 | 40 | 48 | 64 | 80 | 96;

/** 64 kbit/s is transparent for one 16 kHz voice; 8 KB a second. */
const DEFAULT_BITRATE_KBPS: Mp3BitrateKbps = 64;

export interface Mp3EncoderOptions {
  /** Entry of the thread. Default: the one beside this file. */
  readonly threadFile?: URL | undefined;
  /** Kilobits per second. Default 64. */
  readonly bitrateKbps?: Mp3BitrateKbps | undefined;
}

const MP3_THREAD_FILE = ownFile('audio/mp3-thread.node');

interface Waiting {
  readonly resolve: (answer: FromMp3Thread) => void;
  readonly reject: (error: TalebackError) => void;
}

/**
 * MP3 on one thread of its own, started by the first narration. If that thread dies, its streams fail with
 * `worker_lost`, and the next stream starts another.
 *
 * @example
 * const encoder = createMp3ThreadEncoder();
 * const stream = await encoder.open(16_000);
 * console.log((await stream.finish()).length > 0); // true
 * await encoder.close();
 */
export const createMp3ThreadEncoder = (options: Mp3EncoderOptions = {}): AudioEncoder => {
  const { threadFile = MP3_THREAD_FILE, bitrateKbps = DEFAULT_BITRATE_KBPS } = options;
  let lastStreamId = 0;
  let isClosed = false;
  let live: { readonly thread: Worker; readonly waiting: Map<number, Waiting> } | undefined;

  const gone = (cause?: unknown): TalebackError =>
    isClosed
      ? new TalebackError('job_cancelled', 'The MP3 encoder is closed.')
      : new TalebackError('worker_lost', 'The MP3 thread is gone.', { cause });

  const start = (): NonNullable<typeof live> => {
    const thread = new Worker(threadFile, { env: {}, execArgv: [...OWN_NODE_ARGS] });
    const waiting = new Map<number, Waiting>();
    const lose = (cause: unknown): void => {
      if (live?.thread === thread) live = undefined;
      for (const { reject } of waiting.values()) reject(gone(cause));
    };
    thread.on('message', (answer: FromMp3Thread) => {
      const call = waiting.get(answer.streamId);
      waiting.delete(answer.streamId);
      call?.resolve(answer);
    });
    thread.on('error', lose);
    thread.on('exit', lose);
    return { thread, waiting };
  };

  const open = async (sampleRateHz: number): Promise<AudioStream> => {
    if (isClosed) throw gone();
    live ??= start();
    const { thread, waiting } = live;
    lastStreamId += 1;
    const streamId = lastStreamId;
    const call = async (message: ToMp3Thread, moved: ArrayBuffer[] = []): Promise<FromMp3Thread> => {
      if (live?.thread !== thread) throw gone();
      const answer = await new Promise<FromMp3Thread>((resolve, reject) => {
        waiting.set(streamId, { resolve, reject });
        thread.postMessage(message, moved);
      });
      if (answer.type === 'failed') throw errorFromReport(answer.error);
      return answer;
    };

    const parts: Uint8Array[] = [];
    const keep = (answer: FromMp3Thread): Uint8Array<ArrayBuffer> => {
      const bytes = answer.type === 'encoded' ? answer.bytes : new Uint8Array(0);
      parts.push(bytes);
      return bytes;
    };
    await call({ type: 'open', streamId, sampleRateHz, bitrateKbps });
    return {
      write: async (samples) => keep(await call({ type: 'encode', streamId, samples }, [samples.buffer])),
      finish: async () => {
        keep(await call({ type: 'finish', streamId }));
        return new Uint8Array(Buffer.concat(parts));
      },
      abandon: () => thread.postMessage({ type: 'abandon', streamId } satisfies ToMp3Thread, []),
    };
  };

  const prepare = (): void => {
    if (!isClosed) live ??= start();
  };

  const close = async (): Promise<void> => {
    isClosed = true;
    await live?.thread.terminate();
  };

  return { prepare, open, close };
};
