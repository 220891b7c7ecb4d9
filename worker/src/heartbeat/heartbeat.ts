import {
  HEARTBEAT_LIFE_MS,
  MAX_REPORTED_ENGINES,
  MAX_REPORTED_VOICES,
  type ReportedWorkerState,
} from '@taleback/core';
import type { EngineStatus } from '@taleback/speech/operations';

/** The receiver takes bodies of 262,144 bytes; the rest is for proxies in front of it. */
const MAX_BODY_BYTES = 250_000;

/** The state of a worker and its engines. */
export interface WorkerSnapshot {
  readonly engines: readonly EngineStatus[];
  readonly version?: string | undefined;
  readonly state?: ReportedWorkerState | undefined;
  /** Narrations that it can run at the same time. */
  readonly capacity?: number | undefined;
  readonly queueDepth?: number | undefined;
  readonly inFlight?: number | undefined;
  /** Unix milliseconds. */
  readonly startedAtMs?: number | undefined;
}

/** Equal for snapshots that are no news to each other: load changes all the time, and is only sent along. */
export const newsOf = ({ engines, version, state, capacity }: WorkerSnapshot): string =>
  JSON.stringify([version, state, capacity, engines]);

const engineOf = (engine: EngineStatus, maxVoices: number) => ({
  name: engine.name,
  state: engine.state,
  reason: engine.reason ?? null,
  error_type: engine.errorCode ?? null,
  languages: engine.languages,
  clones_voices: engine.clonesVoices ?? null,
  breaker: engine.breaker ?? null,
  retry_at: engine.retryAtMs ?? null,
  voices: engine.voices.slice(0, maxVoices).map(({ id, name, languages, gender, accent, remark }) => ({
    id,
    name,
    languages,
    gender,
    accent,
    remark,
  })),
});

/** The engines with at most so many voices together, the first engines first. */
const enginesOf = (engines: readonly EngineStatus[], maxVoices: number) => {
  let room = maxVoices;
  return engines.slice(0, MAX_REPORTED_ENGINES).map((engine) => {
    const sent = engineOf(engine, room);
    room -= sent.voices.length;
    return sent;
  });
};

/**
 * The body of `POST /api/tts/heartbeat`; absent values are null, as in all our messages. If it is larger than the
 * receiver takes, only the first voices are in it.
 *
 * @param nowMs unix milliseconds
 */
export const encodeHeartbeat = (workerId: string, snapshot: WorkerSnapshot, nowMs: number): Uint8Array => {
  for (let maxVoices = MAX_REPORTED_VOICES; ; maxVoices = Math.floor(maxVoices / 2)) {
    const text = JSON.stringify({
      worker_id: workerId,
      version: snapshot.version ?? null,
      state: snapshot.state ?? null,
      engines: enginesOf(snapshot.engines, maxVoices),
      capacity: snapshot.capacity ?? null,
      queue_depth: snapshot.queueDepth ?? null,
      in_flight: snapshot.inFlight ?? null,
      started_at: snapshot.startedAtMs ?? null,
      expires_at: Math.floor(nowMs) + HEARTBEAT_LIFE_MS,
    });
    const body = Buffer.from(text);
    if (body.byteLength <= MAX_BODY_BYTES || maxVoices === 0) return body;
  }
};
