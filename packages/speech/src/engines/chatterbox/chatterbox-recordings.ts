import { isRecord, TalebackError } from '@taleback/core';
import { isWav } from '../../audio/wav.ts';
import type { VoiceProfile } from '../engine.ts';
import type { ServiceClient } from '../remote/service-client.ts';
import { parseJson } from '../remote/service-fault.ts';
import { uploadCode } from './chatterbox-wire.ts';

/** An ID3 tag, or the eleven set bits that begin a frame. */
const isMp3 = ([first, second = 0, third]: Uint8Array): boolean =>
  (first === 0x49 && second === 0x44 && third === 0x33) || (first === 0xff && (second & 0xe0) === 0xe0);

/** Of the hash, in the file's name: more than enough to keep recordings apart. */
const NAME_DIGITS = 40;

/**
 * A recording as the server accepts it, named by its content: the server keeps an existing file of the same name.
 *
 * @throws TalebackError `voice_profile_format_invalid` for what is neither WAV nor MP3
 */
const recordingFile = ({ bytes, hash }: VoiceProfile): File => {
  const kind = isWav(bytes) ? 'wav' : isMp3(bytes) ? 'mp3' : undefined;
  if (kind === undefined) {
    const message = 'Chatterbox takes recordings as WAV or MP3 only.';
    const details = `begins with ${Buffer.from(bytes.subarray(0, 4)).toString('hex')}`;
    throw new TalebackError('voice_profile_format_invalid', message, { details });
  }
  const type = kind === 'wav' ? 'audio/wav' : 'audio/mpeg';
  return new File([bytes], `taleback-${hash.slice(0, NAME_DIGITS)}.${kind}`, { type });
};

/** The server's message about the file that it refused. */
const messageOf = (errors: unknown): string | undefined => {
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
  const error = isRecord(first) ? first['error'] : undefined;
  return typeof error === 'string' ? error.slice(0, 300) : undefined;
};

/** Uploads each recording to the server once. */
export class Recordings {
  readonly #client: ServiceClient;
  readonly #names = new Map<string, string>();

  constructor(client: ServiceClient) {
    this.#client = client;
  }

  /**
   * @returns the recording's file name at the server
   * @throws TalebackError `voice_profile_format_invalid`, `voice_profile_corrupt`, and the service's faults
   */
  async nameOf(profile: VoiceProfile, signal: AbortSignal | undefined): Promise<string> {
    const known = this.#names.get(profile.hash);
    if (known !== undefined) return known;
    const name = await this.#upload(recordingFile(profile), signal);
    this.#names.set(profile.hash, name);
    return name;
  }

  forget({ hash }: VoiceProfile): void {
    this.#names.delete(hash);
  }

  async #upload(file: File, signal: AbortSignal | undefined): Promise<string> {
    const body = new FormData();
    body.append('files', file);
    const answer = await this.#client.ask({ method: 'POST', path: '/upload_reference', body, signal });
    const json = parseJson(answer.body);
    const { uploaded_files: files, errors } = isRecord(json) ? json : {};
    const note = messageOf(errors);
    if (answer.status !== 200) {
      throw this.#client.faultOf(answer, { codeOf: uploadCode, note });
    }
    const name: unknown = Array.isArray(files) ? files[0] : undefined;
    if (typeof name === 'string') return name;
    throw new TalebackError('provider_rejected', 'The speech service did not keep the recording.', {
      details: note ?? 'the answer to the upload names no file',
    });
  }
}
