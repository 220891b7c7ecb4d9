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
