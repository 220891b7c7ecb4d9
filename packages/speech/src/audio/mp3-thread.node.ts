import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { parentPort } from 'node:worker_threads';
import { reportError, TalebackError, toTalebackError } from '@taleback/core/errors';
import { createEncoder } from 'wasm-media-encoders';
import type { WasmModule } from '../engines/flite/flite-program.node.ts';
import type { FromMp3Thread, Mp3BitrateKbps, ToMp3Thread } from './mp3-encoder.node.ts';

/** The code of the encoder: from its file, because the library's own copy goes through `fetch`; compiled by the first encoder. */
let code: Promise<Uint8Array | WasmModule> = readFile(
  createRequire(import.meta.url).resolve('wasm-media-encoders/wasm/mp3'),
);
code.catch(() => {});

const makeEncoder = async () =>
  createEncoder('audio/mpeg', await code, (compiled: WasmModule) => {
    code = Promise.resolve(compiled);
  });

type Encoder = Awaited<ReturnType<typeof makeEncoder>>;

/** Encoders kept for the next stream. */
const MAX_SPARE_ENCODERS = 4;

/** Of MPEG 1, 2 and 2.5. The encoder takes any other number too, and makes something else of it. */
const MP3_RATES_HZ = new Set([8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000]);

/** The work of the MP3 thread: several streams side by side, each with an encoder of its own. */
export class Mp3Streams {
  readonly #open = new Map<number, Encoder>();
  readonly #spare: Encoder[] = [];

  /** Makes an encoder for the first stream, which then finds it. */
  async prepare(): Promise<void> {
    this.#spare.push(await makeEncoder());
  }

  /** Does what the message asks; gives the answer, or nothing where the protocol has none. */
  async apply(message: ToMp3Thread): Promise<FromMp3Thread | undefined> {
    const { streamId, type } = message;
    try {
      if (type === 'open') {
        await this.#start(streamId, message.sampleRateHz, message.bitrateKbps);
        return { type: 'opened', streamId };
      }
      if (type !== 'abandon') {
        const bytes = type === 'finish' ? this.#finish(streamId) : this.#encode(streamId, message.samples);
        return { type: 'encoded', streamId, bytes };
      }
      this.#open.delete(streamId);
      return undefined;
    } catch (error) {
      this.#open.delete(streamId);
      return { type: 'failed', streamId, error: reportError(toTalebackError(error)) };
    }
  }

  async #start(streamId: number, sampleRate: number, bitrate: Mp3BitrateKbps): Promise<void> {
    if (!MP3_RATES_HZ.has(sampleRate)) {
      throw new TalebackError('model_failed', `MP3 has no sample rate of ${sampleRate} Hz.`);
    }
    const encoder = this.#spare.pop() ?? (await makeEncoder());
    encoder.configure({ sampleRate, channels: 1, bitrate });
    this.#open.set(streamId, encoder);
  }

  /** The encoder answers with a view of its own memory, so the bytes are copied out. */
  #encode(streamId: number, samples: Int16Array): Uint8Array<ArrayBuffer> {
    // By index: `from` takes as long as all of the encoding.
    const scaled = new Float32Array(samples.length);
    for (let index = 0; index < samples.length; index += 1) scaled[index] = (samples[index] ?? 0) / 32_768;
    const bytes = this.#encoderOf(streamId).encode([scaled]).slice();
    scaled.buffer.transfer(0);
    return bytes;
  }

  #finish(streamId: number): Uint8Array<ArrayBuffer> {
    const encoder = this.#encoderOf(streamId);
    const bytes = encoder.finalize().slice();
    this.#open.delete(streamId);
    if (this.#spare.length < MAX_SPARE_ENCODERS) this.#spare.push(encoder);
    return bytes;
  }

  #encoderOf(streamId: number): Encoder {
    const encoder = this.#open.get(streamId);
    if (encoder === undefined)
      throw new TalebackError('internal', `There is no open MP3 stream ${streamId}.`);
    return encoder;
  }
}

const streams = new Mp3Streams();
const reply = async (message: ToMp3Thread): Promise<void> => {
  const answer = await streams.apply(message);
  // Freed now: this thread makes so little garbage that a whole story would wait for its collection.
  if (message.type === 'encode') message.samples.buffer.transfer(0);
  if (answer === undefined) return;
  parentPort?.postMessage(answer, answer.type === 'encoded' ? [answer.bytes.buffer] : []);
};

// This file is the entry of the MP3 thread.
if (parentPort !== null) streams.prepare().catch(() => {});
parentPort?.on('message', (message: ToMp3Thread) => void reply(message));
