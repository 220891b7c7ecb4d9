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

/** Called at every line the worker has to say. */
export type RunpodLog = (
  severity: 'info' | 'warn' | 'error',
  message: string,
  fields?: Record<string, unknown>,
) => void;
