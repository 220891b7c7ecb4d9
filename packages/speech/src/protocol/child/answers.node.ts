import { writeFileSync } from 'node:fs';
import { type ErrorReport, reportError, TalebackError, toTalebackError } from '@taleback/core/errors';
import type { Pcm } from '../../audio/pcm.ts';
import { formatWav } from '../../audio/wav.ts';
import {
  type Address,
  BARE_VERSION,
  type Envelope,
  MAX_ERROR_CHARACTERS,
  MAX_LINE_BYTES,
  MAX_RAW_BYTES,
  type ProtocolVersion,
  RAW_VERSION,
} from '../protocol.ts';

/** Writes to the true standard output. */
export interface ProtocolOutput {
  /** A line, its end included, and after it raw bytes and their end. */
  readonly write: (line: string, raw?: Uint8Array) => void;
  /** Calls back when all of it has left the process, which may be long after: the reader sets the pace. */
  readonly flush: (done: () => void) => void;
}

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
      // Corked, all of it is one system call.
      stdout.cork();
      write(line);
      if (raw !== undefined) {
        write(raw);
        write('\n');
      }
      stdout.uncork();
    },
    flush: (done) => void write('', done),
  };
};

/** A path that no file can have, or where we may not write one. What else fails is the disk's fault. */
const BAD_PLACES: ReadonlySet<unknown> = new Set(
  'ENOENT ENOTDIR EISDIR EACCES EPERM ENAMETOOLONG EROFS EBUSY ELOOP ERR_INVALID_ARG_VALUE'.split(' '),
);

/** @throws TalebackError `disk_full`, `request_invalid` when no file can be there, else `storage_unavailable` */
const writeSound = (path: string, wav: Uint8Array): void => {
  try {
    writeFileSync(path, wav);
  } catch (error) {
    const { code, message: details } = error as NodeJS.ErrnoException;
    if (BAD_PLACES.has(code))
      throw new TalebackError('request_invalid', 'No file can be written at output_path.', { details });
    const fault = toTalebackError(error);
    if (fault.code === 'disk_full') throw fault;
    throw new TalebackError('storage_unavailable', 'The sound cannot be written.', { details });
  }
};

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

  /** @throws TalebackError `text_too_long` when it does not fit into a line; nothing was sent then. */
  respond({ version, correlationId }: Address, payload: Envelope['payload'], raw?: Uint8Array): void {
    const byteLength = raw?.length;
    const line = this.#line({ version, type: 'response', payload, metadata: { correlationId }, byteLength });
    if (Buffer.byteLength(line) > MAX_LINE_BYTES) throw tooLong();
    this.#output.write(line, raw);
  }

  announce(version: ProtocolVersion, payload: Envelope['payload']): void {
    this.#output.write(this.#line({ version, type: 'event', payload }));
  }

  fail(address: Address, error: unknown): void {
    const { code, message, details, retryable } = cutTexts(reportError(toTalebackError(error)));
    if (address.version === BARE_VERSION) this.#bare({ success: false, error: message, code, details });
    else this.respond(address, { type: 'error', code, message, details, retryable });
  }

  /** @throws TalebackError, of `writeSound` or `text_too_long`; nothing was sent then. */
  sound(address: Address, outputPath: string | undefined, sound: Pcm): void {
    if (address.version === RAW_VERSION) {
      const { buffer, byteOffset, byteLength } = sound.samples;
      if (byteLength > MAX_RAW_BYTES) throw tooLong();
      const payload = { type: 'audio', encoding: 'pcm_s16le', sample_rate: sound.sampleRateHz };
      this.respond(address, payload, new Uint8Array(buffer, byteOffset, byteLength));
      return;
    }
    const wav = formatWav(sound);
    if (outputPath === undefined) {
      const text = Buffer.from(wav.buffer).toString('base64');
      this.respond(address, { type: 'audio', encoding: 'wav', audio_base64: text });
      return;
    }
    writeSound(outputPath, wav);
    if (address.version === BARE_VERSION) this.#bare({ success: true, output_path: outputPath });
    else this.respond(address, { type: 'audio', encoding: 'wav', output_path: outputPath });
  }

  #bare(answer: object): void {
    this.#output.write(`${JSON.stringify(answer)}\n`);
  }

  #line({
    version,
    ...rest
  }: {
    readonly version: ProtocolVersion;
    readonly [field: string]: unknown;
  }): string {
    this.#sentCount += 1;
    const messageId = `child-${this.#sentCount}`;
    return `${JSON.stringify({ version, messageId, timestamp: this.#now(), ...rest })}\n`;
  }
}

/** The error with texts short enough for a line. */
export const cutTexts = (report: ErrorReport): ErrorReport => ({
  ...report,
  message: report.message.slice(0, MAX_ERROR_CHARACTERS),
  ...(report.details !== undefined && { details: report.details.slice(0, MAX_ERROR_CHARACTERS) }),
});

const tooLong = (): TalebackError =>
  new TalebackError('text_too_long', 'The text makes more sound than one answer may carry.');
