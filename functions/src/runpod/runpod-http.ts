export interface RunpodRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface RunpodAnswer {
  readonly status: number;
  /** The header as it came. */
  readonly retryAfter: string | undefined;
  readonly text: string;
}

/** Sends one request, follows no redirect, and rejects when no whole answer came. */
export type RunpodHttp = (request: RunpodRequest, signal: AbortSignal) => Promise<RunpodAnswer>;
