import { type NarrationState, present } from '@taleback/core';

/**
 * The end of a narration as a CloudEvent in structured JSON. It may come more than once, and then has the same `id`.
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
 */
export interface NarrationEvent {
  readonly specversion: '1.0';
  readonly id: string;
  readonly source: string;
  readonly type: 'dev.taleback.narration.ready' | 'dev.taleback.narration.failed';
  /** The story's id. */
  readonly subject: string;
  /** When the event was made, RFC 3339; a repetition is younger. */
  readonly time: string;
  readonly datacontenttype: 'application/json';
  readonly data: NarrationEventData;
}

export interface NarrationEventData {
  readonly storyId: string;
  readonly status: 'ready' | 'failed';
  /** 1-based; 0 when none was counted. */
  readonly attempt: number;
  readonly jobId?: string;
  readonly userId?: string;
  readonly audioUrl?: string;
  readonly storagePath?: string;
  readonly durationMs?: number;
  /** A code of the error catalogue. */
  readonly code?: string;
  readonly retryable?: boolean;
  /** When the narration is retried automatically, RFC 3339; absent when it waits for a person. */
  readonly retryAt?: string;
}

const SOURCE = '/taleback/functions';

/** The event of a narration in this state; undefined when it has not ended. */
export const narrationEvent = (
  storyId: string,
  narration: NarrationState,
  nowMs: number,
): NarrationEvent | undefined => {
  const { status, attempt, jobId, userId, code, retryable, retryAtMs } = narration;
  if (status !== 'ready' && status !== 'failed') return undefined;
  const { audioUrl, storagePath, durationMs } = narration;
  const end =
    status === 'ready'
      ? { audioUrl, storagePath, durationMs }
      : { code, retryable, retryAt: retryAtMs === undefined ? undefined : new Date(retryAtMs).toISOString() };
  return {
    specversion: '1.0',
    // A story that other systems narrate may have no job of ours, or a job of the same name as another story. That a
    // narration is not retried after all is an event of its own.
    id: `${storyId}.${jobId ?? attempt}.${status}${retryAtMs === undefined ? '' : '.retrying'}`,
    source: SOURCE,
    type: `dev.taleback.narration.${status}`,
    subject: storyId,
    time: new Date(nowMs).toISOString(),
    datacontenttype: 'application/json',
    data: { storyId, status, attempt, ...present({ jobId, userId, ...end }) },
  };
};
