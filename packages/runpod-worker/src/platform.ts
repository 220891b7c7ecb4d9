import { type Clock, type DeadlineOutcome, tryWithDeadline } from '@taleback/resilience';
import type { RunpodSettings } from './config.ts';
import { CHUNK_TIMEOUT_MS, LONG_POLL_MS, PROGRESS_TIMEOUT_MS, RESULT_TIMEOUT_MS } from './pacing.ts';

/** Release of RunPod's Python SDK whose worker protocol is spoken here; sent as `runpod_version`. */
export const PROTOCOL_VERSION = '1.12.0';

export const USER_AGENT = `Taleback-RunPod-Worker/0.1.0 RunPod-Protocol/${PROTOCOL_VERSION} Language/JavaScript`;

/** A job as the platform hands it out. Unknown fields pass through to the handler. */
export interface RunpodJob {
  readonly id: string;
  readonly input: unknown;
  readonly webhook?: unknown;
  readonly [field: string]: unknown;
}

/** One request to the platform. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Ends the request; the time limit is its caller's. */
  readonly signal: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  /** Media type in lower case, without parameters; empty when none was said. */
  readonly contentType: string;
  /** The header as it came. */
  readonly retryAfter: string | undefined;
  readonly body: string;
}

/** Sends one request. Every status is an answer; it rejects when none came, or when the signal aborts. */
export type HttpSend = (request: HttpRequest) => Promise<HttpAnswer>;

/** The platform's ids are plain; half a character would make an address impossible. */
const encodeId = (id: string): string => encodeURIComponent(id.toWellFormed());

/** The templates carry a query already; the parameters follow in the order they are given. */
const withQuery = (url: string, parameters: readonly (readonly [string, string])[]): string => {
  const query = parameters.map(([name, value]) => `${name}=${value}`).join('&');
  return `${url}${url.includes('?') ? '&' : '?'}${query}`;
};

const TAKE = '/job-take/';

const takeBase = ({ takeTemplate, workerId }: RunpodSettings): string =>
  takeTemplate.replaceAll('$ID', () => workerId);

/** @param size jobs wanted at most; one is asked for at the single address, more at the batch address */
export const takeAddress = (settings: RunpodSettings, size: number, isBusy: boolean): string => {
  const base = takeBase(settings);
  const busy = ['job_in_progress', isBusy ? '1' : '0'] as const;
  return size === 1
    ? withQuery(base, [busy])
    : withQuery(base.replace(TAKE, '/job-take-batch/'), [['batch_size', String(size)], busy]);
};

/** Undefined when the job-take address has no place to put `job-stop`. */
export const stopAddress = (settings: RunpodSettings): string | undefined => {
  const base = takeBase(settings);
  return base.includes(TAKE) ? base.replace(TAKE, '/job-stop/') : undefined;
};

const ofJob = (template: string, workerId: string, jobId: string, isStream: boolean): string =>
  withQuery(
    template.replaceAll('$RUNPOD_POD_ID', () => workerId).replaceAll('$ID', () => encodeId(jobId)),
    [['isStream', String(isStream)]],
  );

/** Where a result goes. `workerId` is who took the job: it may have been this worker's forerunner. */
export const resultAddress = (
  settings: RunpodSettings,
  workerId: string,
  jobId: string,
  isStream: boolean,
): string => ofJob(settings.outputTemplate, workerId, jobId, isStream);

/** Where the chunks of a stream go; undefined when the platform gave no such address. */
export const chunkAddress = (settings: RunpodSettings, jobId: string): string | undefined =>
  settings.streamTemplate === undefined
    ? undefined
    : ofJob(settings.streamTemplate, settings.workerId, jobId, false);

/** Undefined when no pings can be sent. */
export const pingAddress = (
  { pingTemplate, workerId }: RunpodSettings,
  jobIds: readonly string[],
): string | undefined => {
  if (pingTemplate === undefined) return undefined;
  const version = ['runpod_version', PROTOCOL_VERSION] as const;
  const jobs = ['job_id', encodeId(jobIds.join(','))] as const;
  return withQuery(
    pingTemplate.replaceAll('$RUNPOD_POD_ID', () => workerId),
    jobIds.length === 0 ? [version] : [jobs, version],
  );
};

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
