import {
  type Change,
  documentIdFault,
  fitDocument,
  type Names,
  readAttemptAudio,
  readExtras,
  readNarration,
  readStoryAudio,
} from '@taleback/core';
import { type DocumentData, FieldValue, type Firestore, type Transaction } from 'firebase-admin/firestore';
import { owedFields, owedRef } from '../events/owed-events.node.ts';
import {
  createFirestoreCalls,
  type FirestoreCalls,
  type FirestoreOptions,
  textOf,
  withRemovals,
} from './firestore-calls.node.ts';
import { createFirestoreJobs } from './firestore-jobs.node.ts';
import type {
  ApplyOutcome,
  Denial,
  KnownAttempt,
  MessageTarget,
  StoryStore,
  StoryText,
} from './story-store.ts';

type Fields = Record<string, unknown>;

/** Fits the change into the document; undefined when there is no room even without its metadata. */
const fitChange = (current: Fields, change: Change): Change | undefined => {
  const touched = new Set([...change.remove, ...Object.keys(change.set)]);
  const rest = Object.fromEntries(Object.entries(current).filter(([name]) => !touched.has(name)));
  const metadataField = change.set['audioStatus'] === 'failed' ? 'audioErrorMetadata' : 'audioMetadata';
  const set = fitDocument(rest, { ...change.set }, metadataField);
  if (set === undefined) return undefined;
  const dropped = Object.hasOwn(change.set, metadataField) && !Object.hasOwn(set, metadataField);
  return { set, remove: dropped ? [...change.remove, metadataField] : change.remove };
};

const changed = (fields: Fields, { set, remove }: Change): Fields => ({
  ...Object.fromEntries(Object.entries(fields).filter(([name]) => !remove.includes(name))),
  ...set,
});

/** Room that a story keeps for the end of its narration: an attempt that could not end is not opened. */
const ROOM_FOR_END = 'x'.repeat(4_096);

/** Only the server can have made a story as large as that. */
const NO_ROOM = {
  kind: 'unfit',
  code: 'text_too_long',
  field: 'text',
  sentence: 'text: leaves no room for a narration in the story, which is near its size limit',
} as const satisfies Denial;

const readStoryText = (fields: Fields, { ownerField }: Names): StoryText => ({
  userId: textOf(fields[ownerField]),
  title: textOf(fields['title']),
  text: textOf(fields['text']),
  language: textOf(fields['language']),
  voiceId: textOf(fields['voiceId']),
  voiceName: textOf(fields['voiceName']),
  storyType: textOf(fields['storyType']),
  extras: readExtras(fields['audioJobExtras']),
  audio: readStoryAudio(fields),
});

const readKnownAttempt = (fields: DocumentData | undefined): KnownAttempt | undefined => {
  if (fields === undefined) return undefined;
  const { code } = (fields['error'] ?? {}) as { readonly code?: unknown };
  return { number: Number(fields['number']) || 0, neverQueued: code === 'queue_unavailable' };
};

const applyIn = ({
  firestore,
  names,
  storyRef,
  attemptRef,
  transact,
}: FirestoreCalls): StoryStore['apply'] => {
  /** A message that does not name the attempt is judged by the current one, read only when it matters. */
  const isAdmitted = async (
    { storyId, jobId, admits }: MessageTarget,
    fields: Fields,
    attempt: DocumentData | undefined,
    transaction: Transaction,
  ): Promise<boolean> => {
    const userId = textOf(fields[names.ownerField]);
    if (admits?.({ userId, requestedBy: textOf(attempt?.['requestedBy']) }) !== false) return true;
    const current = textOf(fields['audioJobId']);
    const isAboutCurrent = jobId === undefined || jobId === fields['audioRunpodJobId'];
    if (!isAboutCurrent || current === undefined || documentIdFault(current) !== undefined) return false;
    const { requestedBy } = (await transaction.get(attemptRef(storyId, current))).data() ?? {};
    return admits({ userId, requestedBy: textOf(requestedBy) });
  };

  return (target, decide) =>
    transact(async (transaction): Promise<ApplyOutcome> => {
      const { storyId, jobId } = target;
      const story = storyRef(storyId);
      const attempts = jobId === undefined ? [] : [attemptRef(storyId, jobId)];
      const [storyDoc, attemptDoc] = await transaction.getAll(story, ...attempts);
      const fields = storyDoc?.data();
      if (fields === undefined) return { kind: 'no-such-story' };
      const known = attemptDoc?.data();
      if (!(await isAdmitted(target, fields, known, transaction))) return { kind: 'not-admitted' };

      const decision = decide(
        readStoryAudio(fields),
        known === undefined ? undefined : readAttemptAudio(known),
      );
      let after: Fields = fields;
      if (decision.kind === 'applied' || decision.kind === 'adopted') {
        const fitted = fitChange(fields, decision.story);
        if (fitted === undefined) return { kind: 'too-large' };
        after = changed(fields, fitted);
        transaction.update(story, { ...withRemovals(fitted), updatedAt: FieldValue.serverTimestamp() });
      }
      const write = 'attempt' in decision ? decision.attempt : undefined;
      // Older writers gave stories job ids that are no document ids; such a job has no history.
      if (write !== undefined && documentIdFault(write.jobId) === undefined) {
        const written = { jobId: write.jobId, ...withRemovals(write.change) };
        transaction.set(attemptRef(storyId, write.jobId), written, { merge: true });
      }
      const narration = { ...readNarration(after), userId: textOf(fields[names.ownerField]) };
      const note = target.notes?.(decision.kind, narration);
      if (note !== undefined) transaction.set(owedRef(firestore, names, note.id), owedFields(note));
      return { kind: 'decided', decision: decision.kind, narration };
    });
};

const openIn =
  ({ names, storyRef, attemptRef, transact }: FirestoreCalls): StoryStore['open'] =>
  (storyId, newJobId, decide) =>
    transact(async (transaction) => {
      const story = storyRef(storyId);
      const attempt = attemptRef(storyId, newJobId);
      const [storyDoc, attemptDoc] = await transaction.getAll(story, attempt);
      const fields = storyDoc?.data();
      const known = readKnownAttempt(attemptDoc?.data());
      const decision = decide(fields === undefined ? undefined : readStoryText(fields, names), known);
      if (decision.kind !== 'opened') return decision;
      const now = FieldValue.serverTimestamp();
      if (fields === undefined) {
        const { userId, ...words } = decision.newStory ?? {};
        const owner = userId === undefined ? {} : { [names.ownerField]: userId };
        transaction.create(story, {
          ...owner,
          ...words,
          ...decision.story.set,
          createdAt: now,
          updatedAt: now,
        });
      } else {
        const { set, remove } = decision.story;
        const atEnd = { set: { ...set, audioErrorDetails: ROOM_FOR_END }, remove };
        if (fitChange(fields, atEnd) === undefined) return NO_ROOM;
        transaction.update(story, { ...withRemovals(decision.story), updatedAt: now });
      }
      transaction.set(attempt, decision.attemptFields);
      return decision;
    });

const readdressIn =
  ({ names, storyRef, transact }: FirestoreCalls): StoryStore['readdress'] =>
  (storyId, decide) =>
    transact(async (transaction) => {
      const story = storyRef(storyId);
      const fields = (await transaction.get(story)).data();
      const decision = await decide(
        fields && {
          userId: textOf(fields[names.ownerField]),
          audioUrl: textOf(fields['audioUrl']),
          storagePath: textOf(fields['audioStoragePath']),
        },
      );
      // The narration itself did not change, so `updatedAt` stays.
      if (decision.kind === 'renewed') transaction.update(story, { audioUrl: decision.audioUrl });
      return decision;
    });

const pingIn =
  ({ storyRef, call }: FirestoreCalls): StoryStore['ping'] =>
  async () => {
    try {
      const answer = await call(() => storyRef('health-probe').get());
      return !('kind' in answer);
    } catch {
      return false;
    }
  };

/** Stories and attempts in Cloud Firestore. A message that names its job costs one read call and one commit. */
export const createFirestoreStories = (firestore: Firestore, options: FirestoreOptions): StoryStore => {
  const calls = createFirestoreCalls(firestore, options);
  return {
    apply: applyIn(calls),
    open: openIn(calls),
    readdress: readdressIn(calls),
    ping: pingIn(calls),
    ...createFirestoreJobs(calls),
  };
};
