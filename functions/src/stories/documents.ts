import {
  type AttemptAudio,
  type AttemptStatus,
  type Attempts,
  type Change,
  type Cuttable,
  currentOf,
  type Decision,
  decide,
  documentIdFault,
  fitDocument,
  fitsEasily,
  isRecord,
  type Names,
  type NarrationState,
  readAttemptAudio,
  readNarration,
  readStoryAudio,
  recordedMessage,
  type StoryAudio,
  type StoryEventKind,
  textOf,
  type TransitionContext,
} from '@taleback/core';
import type { NarrationEvent } from '../events/narration-event.ts';
import type { StoreAway } from './firestore-calls.node.ts';
import type { Owners } from './ownership.ts';

// What a store reads and writes for a message, without the store: the same for Firestore and for the simulation.

export interface MessageTarget {
  readonly storyId: string;
  /** The job that the message names, by our id or by RunPod's, if it names one. */
  readonly jobId: string | undefined;
  /** Called in the transaction before the decision; may be called again. Default: every message is admitted. */
  readonly admits?: ((owners: Owners) => boolean) | undefined;
  /** Makes the event of a change; it is written in the same transaction. Default: no events. */
  readonly eventOf?: ((kind: StoryEventKind, narration: NarrationState) => NarrationEvent) | undefined;
}

/** Decides in a transaction what changes; may be called again. */
export type Decide = (story: StoryAudio, attempts: Attempts) => Decision;

/** The decision is written, or there was nothing to write. */
export interface Decided {
  readonly kind: 'decided';
  readonly decision: Decision['kind'];
  /** Whether a ready of the message's job would still count. */
  readonly isWanted: boolean;
  /** The state after the decision. */
  readonly narration: NarrationState;
  /** What was written to be published. */
  readonly event?: NarrationEvent;
}

/**
 * - `no-such-story`: `wasDeleted` when a person deleted it
 * - `not-admitted`: `admits` refused the message; nothing is written
 * - `too-large`: the story would not fit into a Firestore document, even without its metadata
 */
export type ApplyOutcome =
  | Decided
  | { readonly kind: 'no-such-story'; readonly wasDeleted?: true }
  | { readonly kind: 'not-admitted' | 'too-large' }
  | StoreAway;

/** `other`: the attempt has another id at RunPod already, so RunPod runs it twice. */
export interface RecordOutcome {
  readonly kind: 'recorded' | 'other' | 'no-such-story';
  /** What was written to be published. */
  readonly event?: NarrationEvent;
}

export type Fields = Readonly<Record<string, unknown>>;

/** A story with the attempts that a message is about. */
export interface MessageDocuments {
  readonly story: Fields;
  /** The attempt that the message names, by our id or by RunPod's. */
  readonly named?: { readonly jobId: string; readonly fields: Fields } | undefined;
  /** The story's current attempt. */
  readonly current?: { readonly jobId: string; readonly fields: Fields } | undefined;
}

/** What a store writes in one commit. */
export interface MessageWrites {
  readonly story?: Change;
  readonly attempt?: { readonly jobId: string; readonly change: Change };
  readonly event?: NarrationEvent;
  /** The job that is no longer under way, where it is counted. */
  readonly usage?: { readonly usageId: string; readonly jobId: string };
}

/** A job id of another server may be no document id; such a job has no history. */
export const attemptIdOf = (jobId: unknown): string | undefined => {
  const id = textOf(jobId);
  return id === undefined || documentIdFault(id) !== undefined ? undefined : id;
};

/** Whether the story's own fields are enough to know its current attempt, so that it is not read. */
export const isKnownFromStory = (story: Fields, jobId: string | undefined): boolean =>
  jobId !== undefined &&
  jobId === story['audioRunpodJobId'] &&
  currentOf(readStoryAudio(story)) !== undefined;

/** The fields with a change. */
export const changed = (fields: Fields, { set, remove }: Change): Fields => {
  // Not by `delete`, which makes objects slow.
  const next: Record<string, unknown> = {};
  for (const name of Object.keys(fields)) if (!remove.includes(name)) next[name] = fields[name];
  return Object.assign(next, set);
};

/** What may be cut from an end that is too large, in this order. A failure keeps a sentence of its words. */
const AUDIO: Cuttable = { metadata: 'audioMetadata', texts: [] };
const FAILURE: Cuttable = {
  metadata: 'audioErrorMetadata',
  texts: [
    ['audioErrorDetails', 0],
    ['audioError', 200],
  ],
};

/** Fits the change into the document; undefined when there is no room even without its metadata. */
export const fitChange = (current: Fields, change: Change): Change | undefined => {
  if (fitsEasily(current, change.set)) return change;
  const rest = changed(current, { set: {}, remove: [...change.remove, ...Object.keys(change.set)] });
  const set = fitDocument(rest, { ...change.set }, change.set['audioStatus'] === 'failed' ? FAILURE : AUDIO);
  if (set === undefined) return undefined;
  const dropped = Object.keys(change.set).filter((name) => !Object.hasOwn(set, name));
  return { set, remove: [...change.remove, ...dropped] };
};

const readAttempt = (document: MessageDocuments['named']): AttemptAudio | undefined =>
  document && readAttemptAudio(document.jobId, document.fields);

/** Where the story's job is counted while it is under way; undefined when it is not. */
const usageOf = (story: Fields): MessageWrites['usage'] => {
  const [usageId, jobId] = [textOf(story['audioUsageId']), textOf(story['audioJobId'])];
  return usageId === undefined || jobId === undefined ? undefined : { usageId, jobId };
};

/** Judges a message by the documents it is about, and decides what to write. */
export const applyToDocuments = (
  documents: MessageDocuments,
  target: MessageTarget,
  decideChange: Decide,
  { ownerField }: Names,
): { readonly outcome: ApplyOutcome; readonly writes: MessageWrites } => {
  const { story: fields, named, current } = documents;
  const userId = textOf(fields[ownerField]);
  const requestedBy = textOf((named ?? current)?.fields['requestedBy']);
  if (target.admits?.({ userId, requestedBy }) === false)
    return { outcome: { kind: 'not-admitted' }, writes: {} };

  const story = readStoryAudio(fields);
  const isFromStory = current === undefined && isKnownFromStory(fields, target.jobId);
  const decision = decideChange(story, {
    named: readAttempt(named),
    current: isFromStory ? currentOf(story) : readAttempt(current),
  });
  const change = decision.story === undefined ? undefined : fitChange(fields, decision.story);
  if (decision.story !== undefined && change === undefined)
    return { outcome: { kind: 'too-large' }, writes: {} };
  const after = change === undefined ? fields : changed(fields, change);
  const narration = { ...readNarration(after), userId };
  const attempt = decision.attempt;
  const usage = change?.remove.includes('audioUsageId') ? usageOf(fields) : undefined;
  const event =
    decision.event &&
    target.eventOf?.(decision.event, { ...narration, jobId: attempt?.jobId ?? narration.jobId });
  return {
    outcome: {
      kind: 'decided',
      decision: decision.kind,
      isWanted: decision.isWanted ?? true,
      narration,
      ...(event === undefined ? {} : { event }),
    },
    writes: {
      ...(change === undefined ? {} : { story: change }),
      ...(attempt === undefined || attemptIdOf(attempt.jobId) === undefined ? {} : { attempt }),
      ...(event === undefined ? {} : { event }),
      ...(usage === undefined ? {} : { usage }),
    },
  };
};

/** What a store writes for RunPod's id of an attempt, beside the id itself and the deletion of what came under it. */
export interface RecordWrites extends MessageWrites {
  /** Whether the story gets the id, too: the attempt is its current one. */
  readonly isCurrent: boolean;
}

/**
 * Decides what to write when RunPod's id of an attempt is known. The first id is kept. A message that came under it
 * before is passed through `decide` as one of our job.
 *
 * @param documents with what `early`, the attempt under RunPod's id, has recorded
 */
export const recordInDocuments = (
  documents: MessageDocuments & { readonly early: Fields | undefined },
  target: MessageTarget & { readonly jobId: string; readonly runpodJobId: string },
  context: TransitionContext,
  names: Names,
): { readonly outcome: RecordOutcome; readonly writes?: RecordWrites } => {
  const isCurrent = readStoryAudio(documents.story).jobId === target.jobId;
  const known = textOf((isCurrent ? documents.current : documents.named)?.fields['runpodJobId']);
  if (known !== undefined && known !== target.runpodJobId) return { outcome: { kind: 'other' } };
  const message = documents.early && recordedMessage(target.jobId, documents.early);
  if (message === undefined) return { outcome: { kind: 'recorded' }, writes: { isCurrent } };
  const { writes } = applyToDocuments(
    documents,
    target,
    (story, attempts) => decide(story, attempts, message, context),
    names,
  );
  return {
    outcome: { kind: 'recorded', ...(writes.event === undefined ? {} : { event: writes.event }) },
    writes: { ...writes, isCurrent },
  };
};

/** A story and one of its attempts as stored. */
export interface StoredJob {
  readonly story: StoryAudio;
  /** Undefined when the attempt has no document. */
  readonly attemptStatus: AttemptStatus | undefined;
  /** RunPod's id of the attempt, once it is known. */
  readonly runpodJobId: string | undefined;
  /** Why the attempt ended at its dispatch, if it did. */
  readonly refusal: { readonly code: string; readonly cause: string } | undefined;
}

/** A job that the queue itself did not take was never dispatched. */
const refusalOf = (attempt: Fields): StoredJob['refusal'] => {
  const error = isRecord(attempt['error']) ? attempt['error'] : {};
  const code = textOf(error['code']) ?? 'unknown';
  const transitions = isRecord(attempt['transitions']) ? attempt['transitions'] : {};
  const failed = isRecord(transitions['failed']) ? transitions['failed'] : {};
  const isOfDispatch = attempt['status'] === 'failed' && failed['source'] === 'dispatch';
  if (!isOfDispatch || code === 'queue_unavailable') return undefined;
  return { code, cause: textOf(error['details']) ?? '' };
};

/** Reads a story and one of its attempts. */
export const readStoredJob = (jobId: string, story: Fields, attempt: Fields | undefined): StoredJob => ({
  story: readStoryAudio(story),
  attemptStatus: attempt && readAttemptAudio(jobId, attempt).status,
  runpodJobId: textOf(attempt?.['runpodJobId']),
  refusal: attempt && refusalOf(attempt),
});
