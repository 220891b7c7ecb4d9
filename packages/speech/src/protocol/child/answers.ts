import { writeFileSync } from 'node:fs';
import { type ErrorReport, reportError, TalebackError, toTalebackError } from '@taleback/core';
import { formatWav, type Pcm } from '../../audio/index.ts';
import { type Envelope, MAX_LINE_BYTES, MAX_RAW_BYTES, type ProtocolVersion } from '../index.ts';
import type { ProtocolOutput } from './own-stdout.ts';

/** An error is some sentences; an engine may give a whole dump. */
const LONGEST_TEXT = 2_000;

type Payload = Envelope['payload'];

/** Where an answer goes. 1.0 has no correlation. */
export interface Address {
  readonly version: ProtocolVersion;
  readonly correlationId: string;
}

/** What a child says, in each version. */
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
    const { code, message, details, retryable } = inFew(reportError(toTalebackError(error)));
    if (address.version === '1.0.0') this.#bare({ success: false, error: message, code, details });
    else this.respond(address, { type: 'error', code, message, details, retryable });
  }

  /** @throws what writing the file throws, or TalebackError `text_too_long`; then nothing was said. */
  sound(address: Address, outputPath: string | undefined, sound: Pcm): void {
    if (address.version === '2.1.0') this.#raw(address, sound);
    else if (outputPath === undefined) this.#inLine(address, sound);
    else {
      writeFileSync(outputPath, formatWav(sound));
      if (address.version === '1.0.0') this.#bare({ success: true, output_path: outputPath });
      else this.respond(address, { type: 'audio', encoding: 'wav', output_path: outputPath });
    }
  }

  #raw({ version, correlationId }: Address, { samples, sampleRateHz }: Pcm): void {
    const { byteLength } = samples;
    if (byteLength > MAX_RAW_BYTES) throw tooLong();
    this.#sentCount += 1;
    // The answer that is said most, by hand: what is written before the sound is waited for.
    const line =
      `{"version":"${version}","messageId":"child-${this.#sentCount}","timestamp":${this.#now()},"type":"response",` +
      `"payload":{"type":"audio","encoding":"pcm_s16le","sample_rate":${JSON.stringify(sampleRateHz)}},` +
      `"metadata":{"correlationId":${JSON.stringify(correlationId)}},"byteLength":${byteLength}}\n`;
    this.#output.write(line, new Uint8Array(samples.buffer, samples.byteOffset, byteLength));
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

/** An error short enough for a line. */
export const inFew = (report: ErrorReport): ErrorReport => {
  const { message, details } = report;
  return {
    ...report,
    message: message.slice(0, LONGEST_TEXT),
    ...(details === undefined ? {} : { details: details.slice(0, LONGEST_TEXT) }),
  };
};

const tooLong = (): TalebackError =>
  new TalebackError('text_too_long', 'The text makes more sound than one answer may carry.');
