import { TalebackError } from '@taleback/core';
import type { VoiceProfile } from '../engine.ts';
import type { ServiceClient } from '../remote/service-client.ts';
import { readRefusal } from '../remote/service-refusal.ts';
import type { HttpAnswer } from '../remote/speech-http.ts';
import { uploadCode } from './chatterbox-fault.ts';
import { recordingFile } from './recording-file.ts';

interface UploadAnswer {
  readonly uploaded_files?: unknown;
  readonly errors?: unknown;
}

const parseAnswer = ({ body }: HttpAnswer): UploadAnswer => {
  try {
    return (JSON.parse(Buffer.from(body).toString('utf8')) ?? {}) as UploadAnswer;
  } catch {
    return {};
  }
};

/** The server's words about the file that it would not have. */
const wordsOf = ({ errors }: UploadAnswer): string | undefined => {
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
  const error = (first as { error?: unknown } | null | undefined)?.error;
  return typeof error === 'string' ? error.slice(0, 300) : undefined;
};

/** The recordings that this process has brought to the server, each once. */
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
    const told = parseAnswer(answer);
    const note = wordsOf(told);
    if (answer.status !== 200) {
      throw this.#client.faultOf(readRefusal(answer), { codeOf: uploadCode, note });
    }
    const name: unknown = Array.isArray(told.uploaded_files) ? told.uploaded_files[0] : undefined;
    if (typeof name === 'string') return name;
    throw new TalebackError('provider_rejected', 'The speech service did not keep the recording.', {
      details: note ?? 'the answer to the upload names no file',
    });
  }
}
