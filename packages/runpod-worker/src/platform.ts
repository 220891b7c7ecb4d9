import { type Clock, type DeadlineOutcome, type Random, tryWithDeadline } from '@taleback/resilience';
import type { RunpodSettings } from './config.ts';
import type { RunpodLog } from './log.ts';
import { LONG_POLL_MS } from './pacing.ts';

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

/** A job as it may be kept on the disk, such as with the place of a recording instead of its bytes. */
export type KeepableJob = (job: RunpodJob) => Promise<RunpodJob>;

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
  { outputTemplate }: RunpodSettings,
  workerId: string,
  jobId: string,
  isStream: boolean,
): string => ofJob(outputTemplate, workerId, jobId, isStream);

/** Where the chunks of a stream go; undefined when the platform gave no such address. */
export const chunkAddress = (
  { streamTemplate, workerId }: RunpodSettings,
  jobId: string,
): string | undefined => streamTemplate && ofJob(streamTemplate, workerId, jobId, false);

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

/** The platform's ids are plain; anything else is encoded, because a header takes no line breaks. */
const headerText = (jobId: string): string => (/^[\x21-\x7e]+$/.test(jobId) ? jobId : encodeId(jobId));

/** The answer, or how it was missed. It rejects when none came. */
export type Asked = DeadlineOutcome<HttpAnswer>;

export interface PlatformParts {
  readonly settings: RunpodSettings;
  readonly http: HttpSend;
  readonly clock: Clock;
}

export interface JobPost extends Pick<HttpRequest, 'url' | 'signal'> {
  readonly jobId: string;
  /** JSON text, although the protocol's content type says otherwise. */
  readonly body: string;
  readonly timeoutMs: number;
}

/** The calls of the worker protocol, each with its headers and its time limit. */
export class Platform {
  readonly settings: RunpodSettings;
  readonly #parts: PlatformParts;

  constructor(parts: PlatformParts) {
    this.settings = parts.settings;
    this.#parts = parts;
  }

  /** Long poll for jobs, or for jobs to stop. */
  poll(url: string, signal: AbortSignal): Promise<Asked> {
    const headers = { 'content-type': 'application/json' };
    return this.#ask({ method: 'GET', url, headers, signal }, LONG_POLL_MS);
  }

  ping(url: string, timeoutMs: number, signal: AbortSignal): Promise<Asked> {
    return this.#ask({ method: 'GET', url, headers: {}, signal }, timeoutMs);
  }

  post({ url, jobId, body, timeoutMs, signal }: JobPost): Promise<Asked> {
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      charset: 'utf-8',
      'x-request-id': headerText(jobId),
    };
    return this.#ask({ method: 'POST', url, headers, body, signal }, timeoutMs);
  }

  #ask({ signal, ...request }: HttpRequest, timeoutMs: number): Promise<Asked> {
    const { http, clock } = this.#parts;
    const { apiKey } = this.settings;
    // The key goes out as it is, without "Bearer".
    const authorization = apiKey === undefined ? {} : { authorization: apiKey };
    const headers = { ...authorization, 'user-agent': USER_AGENT, ...request.headers };
    const send = (limited: AbortSignal) => http({ ...request, headers, signal: limited });
    return tryWithDeadline(send, timeoutMs, { signal, clock });
  }
}

/** What everything needs that talks to the platform. */
export interface PlatformAccess {
  readonly platform: Platform;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: RunpodLog;
}
