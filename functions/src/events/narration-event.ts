import { type NarrationState, present, type StoryEventKind } from '@taleback/core';

/**
 * A change of a narration as a CloudEvent in structured JSON. It may come more than once, and then has the same `id`.
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
 */
export interface NarrationEvent {
  readonly specversion: '1.0';
  readonly id: string;
  readonly source: string;
  readonly type: `dev.taleback.narration.${NarrationEventData['status'] | 'updated'}`;
  /** The story's id. */
  readonly subject: string;
  /** RFC 3339. */
  readonly time: string;
  readonly datacontenttype: 'application/json';
  readonly data: NarrationEventData;
}

export interface NarrationEventData {
  readonly storyId: string;
  readonly status: 'ready' | 'failed' | 'cancelled';
  /** Counts the events of the story, from 1: the highest one is the latest. */
  readonly sequence: number;
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
  /** True when an automatic retry that an earlier event announced does not take place. */
  readonly final?: boolean;
}

const SOURCE = '/taleback/functions';

const STATUS_OF = {
  ready: 'ready',
  updated: 'ready',
  failed: 'failed',
  'gave-up': 'failed',
  cancelled: 'cancelled',
} as const satisfies Record<StoryEventKind, NarrationEventData['status']>;

/** What an event says of the end itself. */
const endOf = (kind: StoryEventKind, narration: NarrationState): Partial<NarrationEventData> => {
  const { audioUrl, storagePath, durationMs, code, retryable, retryAtMs } = narration;
  if (kind === 'cancelled') return {};
  if (STATUS_OF[kind] === 'ready') return present({ audioUrl, storagePath, durationMs });
  const retryAt = retryAtMs === undefined ? undefined : new Date(retryAtMs).toISOString();
  return present({ code, retryable, retryAt, final: kind === 'gave-up' ? true : undefined });
};

/**
 * The event of a change.
 *
 * @param id unique; the same for every publication of this event
 * @param narration the state after the change
 */
export const narrationEvent = (
  {
    id,
    kind,
    storyId,
    nowMs,
  }: {
    readonly id: string;
    readonly kind: StoryEventKind;
    readonly storyId: string;
    readonly nowMs: number;
  },
  narration: NarrationState,
): NarrationEvent => {
  const { attempt, jobId, userId, eventSequence: sequence } = narration;
  const status = STATUS_OF[kind];
  return {
    specversion: '1.0',
    id,
    source: SOURCE,
    type: `dev.taleback.narration.${kind === 'updated' ? kind : status}`,
    subject: storyId,
    time: new Date(nowMs).toISOString(),
    datacontenttype: 'application/json',
    data: { storyId, status, sequence, attempt, ...present({ jobId, userId }), ...endOf(kind, narration) },
  };
};
