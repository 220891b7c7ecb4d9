import type { IncomingMessage } from 'node:http';

/** One call of a worker in the form that transcripts are compared in. */
export interface RecordedCall {
  readonly method: string;
  /** With its query; versions are `V`. */
  readonly path: string;
  /** Those that the protocol is about. */
  readonly headers: Readonly<Record<string, string>>;
  readonly json: unknown;
  readonly atMs: number;
}

const TOLD_HEADERS = ['authorization', 'content-type', 'charset', 'x-request-id'] as const;

const parse = (body: string): unknown => {
  if (body === '') return undefined;
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
};

export const recordCall = (request: IncomingMessage, body: string, atMs: number): RecordedCall => ({
  method: request.method ?? '',
  path: (request.url ?? '').replace(/runpod_version=[^&]*/, 'runpod_version=V'),
  headers: Object.fromEntries(
    TOLD_HEADERS.flatMap((name) => {
      const value = request.headers[name];
      return typeof value === 'string' ? [[name, value]] : [];
    }),
  ),
  json: parse(body),
  atMs,
});

/** A call as it stands in a golden transcript: one line, and the body of a post. */
export type Line = readonly [call: string, json?: unknown];

export const lineOf = ({ method, path, json }: RecordedCall): Line =>
  json === undefined ? [`${method} ${path}`] : [`${method} ${path}`, json];
