import { writeFileSync } from 'node:fs';
import { type ErrorReport, reportError, TalebackError, toTalebackError } from '@taleback/core/errors';
import type { Pcm } from '../../audio/pcm.ts';
import { formatWav } from '../../audio/wav.ts';
import {
  type Address,
  BARE_VERSION,
  type Envelope,
  MAX_ERROR_CHARACTERS,
  RAW_VERSION,
  MAX_LINE_BYTES,
  MAX_RAW_BYTES,
  type ProtocolVersion,
} from '../protocol.ts';

/** Writes to the true standard output. */
export interface ProtocolOutput {
  /** A line, its end included, and after it raw bytes and their end. */
  readonly write: (line: string, raw?: Uint8Array) => void;
  /** Calls back when all of it has left the process, which may be long after: the reader sets the pace. */
  readonly flush: (done: () => void) => void;
}

const LINE_END = Buffer.from('\n');
/** Below it one copy costs less than three writes. */
const MAX_COPIED_BYTES = 16_384;

/**
 * Keeps standard output for the protocol: whatever else this process prints goes to standard error. An output that
 * has no reader any more ends the process.
 *
 * @example
 * // Not run: it takes the standard output of its process.
 * serveSpeech({ ...service, output: ownStdout() });
 */
export const ownStdout = (): ProtocolOutput => {
  const { stdout, stderr } = process;
  const write = stdout.write.bind(stdout) as (chunk: string | Uint8Array, done?: () => void) => boolean;
  stdout.write = stderr.write.bind(stderr);
  stdout.on('error', () => process.exit(0));
  return {
    write: (line, raw) => {
      if (raw === undefined) {
        write(line);
        return;
      }
      if (raw.length <= MAX_COPIED_BYTES) {
        write(Buffer.concat([Buffer.from(line), raw, LINE_END]));
        return;
      }
      stdout.cork();
      write(Buffer.from(line));
      write(raw);
      write(LINE_END);
      stdout.uncork();
    },
    flush: (done) => void write('', done),
  };
};

type Payload = Envelope['payload'];

/** Writes a child's messages, in each version. */
export class Answers {
  readonly #output: ProtocolOutput;
  readonly #now: () => number;
  #sentCount = 0;

  /** @param now Unix milliseconds. */
  constructor(output: ProtocolOutput, now: () => number) {
    this.#output = output;
    this.#now = now;
  }

  respond({ version, correlationId }: Address, payload: Payload): void {
    this.#output.write(this.#line(version, { type: 'response', payload, metadata: { correlationId } }));
  }

  announce(version: ProtocolVersion, payload: Payload): void {
    this.#output.write(this.#line(version, { type: 'event', payload }));
  }

  fail(address: Address, error: unknown): void {
    const { code, message, details, retryable } = cutTexts(reportError(toTalebackError(error)));
    if (address.version === BARE_VERSION) this.#bare({ success: false, error: message, code, details });
    else this.respond(address, { type: 'error', code, message, details, retryable });
  }

  /** @throws the error of writing the file, or TalebackError `text_too_long`; nothing was sent then. */
  sound(address: Address, outputPath: string | undefined, sound: Pcm): void {
    if (address.version === RAW_VERSION) this.#raw(address, sound);
    else if (outputPath === undefined) this.#inLine(address, sound);
    else {
      writeFileSync(outputPath, formatWav(sound));
      if (address.version === BARE_VERSION) this.#bare({ success: true, output_path: outputPath });
      else this.respond(address, { type: 'audio', encoding: 'wav', output_path: outputPath });
    }
  }

  #raw({ version, correlationId }: Address, { samples, sampleRateHz }: Pcm): void {
    const { byteLength } = samples;
    if (byteLength > MAX_RAW_BYTES) throw tooLong();
    const payload = { type: 'audio', encoding: 'pcm_s16le', sample_rate: sampleRateHz };
    const rest = { type: 'response', payload, metadata: { correlationId }, byteLength } as const;
    this.#output.write(
      this.#line(version, rest),
      new Uint8Array(samples.buffer, samples.byteOffset, byteLength),
    );
  }

  #inLine({ version, correlationId }: Address, sound: Pcm): void {
    const text = Buffer.from(formatWav(sound).buffer).toString('base64');
    const payload = { type: 'audio', encoding: 'wav', audio_base64: text };
    const line = this.#line(version, { type: 'response', payload, metadata: { correlationId } });
    if (Buffer.byteLength(line) > MAX_LINE_BYTES) throw tooLong();
    this.#output.write(line);
  }

  #bare(answer: object): void {
    this.#output.write(`${JSON.stringify(answer)}\n`);
  }

  #line(
    version: ProtocolVersion,
    rest: Pick<Envelope, 'type' | 'payload' | 'metadata' | 'byteLength'>,
  ): string {
    this.#sentCount += 1;
    const messageId = `child-${this.#sentCount}`;
    const envelope: Envelope = { version, messageId, timestamp: this.#now(), ...rest };
    return `${JSON.stringify(envelope)}\n`;
  }
}

/** The error with texts short enough for a line. */
export const cutTexts = (report: ErrorReport): ErrorReport => {
  const { message, details } = report;
  return {
    ...report,
    message: message.slice(0, MAX_ERROR_CHARACTERS),
    ...(details === undefined ? {} : { details: details.slice(0, MAX_ERROR_CHARACTERS) }),
  };
};

const tooLong = (): TalebackError =>
  new TalebackError('text_too_long', 'The text makes more sound than one answer may carry.');
