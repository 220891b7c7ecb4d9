import { type Clock, type DeadlineOutcome, tryWithDeadline } from '@taleback/resilience';
import { chunkAddress, encodeId, pingAddress, stopAddress, takeAddress } from './addresses.ts';
import type { HttpAnswer, HttpSend } from './http.ts';
import { CHUNK_TIMEOUT_MS, LONG_POLL_MS, PROGRESS_TIMEOUT_MS, RESULT_TIMEOUT_MS } from './pacing.ts';
import { USER_AGENT } from './protocol.ts';
import type { RunpodSettings } from './settings.ts';

export interface PlatformParts {
  readonly settings: RunpodSettings;
  readonly http: HttpSend;
  readonly clock: Clock;
}

type Headers = Readonly<Record<string, string>>;

/** The platform's ids are plain; anything else is encoded, because a header takes no line breaks. */
const headerText = (jobId: string): string => (/^[\x21-\x7e]+$/.test(jobId) ? jobId : encodeId(jobId));

/** The answer, or how it was missed. It rejects when none came. */
export type Asked = DeadlineOutcome<HttpAnswer>;

/** The calls of the worker protocol, each with its headers and its time limit. */
export class Platform {
  readonly settings: RunpodSettings;
  readonly #http: HttpSend;
  readonly #clock: Clock;
  readonly #base: Headers;

  constructor({ settings, http, clock }: PlatformParts) {
    this.settings = settings;
    this.#http = http;
    this.#clock = clock;
    // The key goes out as it is, without "Bearer".
    const authorization = settings.apiKey === undefined ? {} : { authorization: settings.apiKey };
    this.#base = { ...authorization, 'user-agent': USER_AGENT };
  }

  /** Long poll for jobs. */
  take(size: number, isBusy: boolean, signal: AbortSignal): Promise<Asked> {
    return this.#get(takeAddress(this.settings, size, isBusy), LONG_POLL_MS, signal, {
      'content-type': 'application/json',
    });
  }

  /** Long poll for jobs to stop; undefined when there is no such address. */
  stops(signal: AbortSignal): Promise<Asked> | undefined {
    const url = stopAddress(this.settings);
    return url === undefined
      ? undefined
      : this.#get(url, LONG_POLL_MS, signal, { 'content-type': 'application/json' });
  }

  /** Undefined when no pings can be sent. */
  ping(jobIds: readonly string[], timeoutMs: number, signal: AbortSignal): Promise<Asked> | undefined {
    const url = pingAddress(this.settings, jobIds);
    return url === undefined ? undefined : this.#get(url, timeoutMs, signal, {});
  }

  postResult(url: string, jobId: string, body: string, signal: AbortSignal): Promise<Asked> {
    return this.#post(url, jobId, body, RESULT_TIMEOUT_MS, signal);
  }

  postProgress(url: string, jobId: string, body: string, signal: AbortSignal): Promise<Asked> {
    return this.#post(url, jobId, body, PROGRESS_TIMEOUT_MS, signal);
  }

  /** Undefined when the platform gave no address for chunks. */
  postChunk(jobId: string, body: string, signal: AbortSignal): Promise<Asked> | undefined {
    const url = chunkAddress(this.settings, jobId);
    return url === undefined ? undefined : this.#post(url, jobId, body, CHUNK_TIMEOUT_MS, signal);
  }

  #get(url: string, timeoutMs: number, signal: AbortSignal, headers: Headers): Promise<Asked> {
    return tryWithDeadline(
      (limited) =>
        this.#http({ method: 'GET', url, headers: { ...this.#base, ...headers }, signal: limited }),
      timeoutMs,
      { signal, clock: this.#clock },
    );
  }

  /** The body is JSON, although the protocol's content type says otherwise. */
  #post(url: string, jobId: string, body: string, timeoutMs: number, signal: AbortSignal): Promise<Asked> {
    const headers = {
      ...this.#base,
      'content-type': 'application/x-www-form-urlencoded',
      charset: 'utf-8',
      'x-request-id': headerText(jobId),
    };
    return tryWithDeadline(
      (limited) => this.#http({ method: 'POST', url, headers, body, signal: limited }),
      timeoutMs,
      { signal, clock: this.#clock },
    );
  }
}
