import type { BreakerState, EngineState, ErrorCode, ReportedWorkerState } from '@taleback/core';
import type { Voice } from '@taleback/speech/src/engines/index.ts';
import type { EnginePicture } from '@taleback/speech/src/status/index.ts';

/** How a worker and its engines are now. */
export interface EnginesPicture {
  readonly engines: readonly EnginePicture[];
  readonly state?: ReportedWorkerState | undefined;
  readonly queueDepth?: number | undefined;
  readonly inFlight?: number | undefined;
  /** Unix milliseconds. */
  readonly startedAtMs?: number | undefined;
}

/** One engine on the wire. */
interface EnginePayload {
  readonly name: string;
  readonly state: EngineState;
  readonly reason: string | null;
  readonly error_type: ErrorCode | null;
  readonly languages: readonly string[];
  readonly clones_voices: boolean | null;
  readonly breaker: BreakerState | null;
  readonly retry_at: number | null;
  readonly voices: readonly Voice[];
}

/** The body of `POST /api/tts/engines`, absent values as null, as in all our messages. */
export interface EnginesPayload {
  readonly worker_id: string;
  readonly engines: readonly EnginePayload[];
  readonly state: ReportedWorkerState | null;
  readonly queue_depth: number | null;
  readonly in_flight: number | null;
  readonly started_at: number | null;
}

const engineOf = (engine: EnginePicture): EnginePayload => ({
  name: engine.name,
  state: engine.state,
  reason: engine.reason ?? null,
  error_type: engine.errorCode ?? null,
  languages: engine.languages,
  clones_voices: engine.clonesVoices ?? null,
  breaker: engine.breaker ?? null,
  retry_at: engine.retryAtMs ?? null,
  voices: engine.voices.map(({ id, name, languages, gender, accent, remark }) => ({
    id,
    name,
    languages,
    ...(gender === undefined ? {} : { gender }),
    ...(accent === undefined ? {} : { accent }),
    ...(remark === undefined ? {} : { remark }),
  })),
});

/** The wire form of a picture. */
export const toEnginesPayload = (workerId: string, picture: EnginesPicture): EnginesPayload => ({
  worker_id: workerId,
  engines: picture.engines.map(engineOf),
  state: picture.state ?? null,
  queue_depth: picture.queueDepth ?? null,
  in_flight: picture.inFlight ?? null,
  started_at: picture.startedAtMs ?? null,
});
