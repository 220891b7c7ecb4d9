export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** A FormData is sent as multipart/form-data. */
  readonly body?: string | Uint8Array<ArrayBuffer> | FormData | undefined;
  readonly signal: AbortSignal | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case; of several with one name the first. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array<ArrayBuffer>;
}

/**
 * One request and its whole answer, whatever its status. Redirects are answers. It has no timeout of its own.
 *
 * @throws TalebackError `dns_failed`, `network_unreachable`, `tls_failed`, `timed_out`, what `cancellationOf` makes of
 * the signal, `audio_missing` when the answer breaks off, `provider_rejected` when it is too large to be speech.
 */
export type SpeechHttp = (request: HttpRequest) => Promise<HttpAnswer>;
