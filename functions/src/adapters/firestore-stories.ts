import {
  type Change,
  documentIdFault,
  fitDocument,
  readAttemptAudio,
  readExtras,
  readNarration,
  readStoryAudio,
} from '@taleback/core';
import { type DocumentData, FieldValue, type Firestore } from 'firebase-admin/firestore';
import type { ApplyOutcome, StoryStore } from '../receive/index.ts';
import type { AddressStore, AttemptStore, Denial, KnownAttempt, StoryText } from '../request/index.ts';
import { ATTEMPTS, createFirestoreCalls, OWNER_FIELD, withRemovals } from './firestore-calls.ts';
import { owedFields, owedRef } from './firestore-owed-events.ts';

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

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

const readStoryText = (fields: Fields): StoryText => ({
  userId: text(fields[OWNER_FIELD]),
  title: text(fields['title']),
  text: text(fields['text']),
  language: text(fields['language']),
  voiceId: text(fields['voiceId']),
  voiceName: text(fields['voiceName']),
  storyType: text(fields['storyType']),
  extras: readExtras(fields['audioJobExtras']),
  audio: readStoryAudio(fields),
});

/** Room that a story keeps for how its narration ends: an attempt that could not end is not begun. Bytes. */
const ROOM_FOR_END = 'x'.repeat(4_096);

/** Only the server can have made a story as large as that. */
const NO_ROOM = {
  kind: 'unfit',
  code: 'text_too_long',
  field: 'text',
  sentence: 'text: leaves no room for a narration in the story, which is near its size limit',
} as const satisfies Denial;

const readKnownAttempt = (fields: DocumentData | undefined): KnownAttempt | undefined => {
  if (fields === undefined) return undefined;
  const { code } = (fields['error'] ?? {}) as { readonly code?: unknown };
  return { number: Number(fields['number']) || 0, neverQueued: code === 'queue_unavailable' };
};

/** Stories and attempts in Cloud Firestore. A message that names its job costs one read call and one commit. */
export const createFirestoreStories = (
  firestore: Firestore,
  options: { readonly timeoutMs: number },
): StoryStore & AttemptStore & AddressStore => {
  const { storyRef, call, transact } = createFirestoreCalls(firestore, options);

  const apply: StoryStore['apply'] = ({ storyId, jobId, admits, notes }, decide) => {
    const story = storyRef(storyId);
    const attempts = story.collection(ATTEMPTS);
    return transact(async (transaction): Promise<ApplyOutcome> => {
      const [storyDoc, attemptDoc] = await transaction.getAll(
        story,
        ...(jobId === undefined ? [] : [attempts.doc(jobId)]),
      );
      const fields = storyDoc?.data();
      if (fields === undefined) return { kind: 'no-such-story' };
      const attemptFields = attemptDoc?.data();
      const isAdmitted = async (): Promise<boolean> => {
        const userId = text(fields[OWNER_FIELD]);
        if (admits?.({ userId, requestedBy: text(attemptFields?.['requestedBy']) }) !== false) return true;
        // A message that does not name the attempt is judged by the current one, read only when it matters.
        const current = text(fields['audioJobId']);
        const isAboutCurrent = jobId === undefined || jobId === fields['audioRunpodJobId'];
        if (!isAboutCurrent || current === undefined || documentIdFault(current) !== undefined) return false;
        const { requestedBy } = (await transaction.get(attempts.doc(current))).data() ?? {};
        return admits === undefined || admits({ userId, requestedBy: text(requestedBy) });
      };
      if (!(await isAdmitted())) return { kind: 'not-admitted' };
      const decision = decide(
        readStoryAudio(fields),
        attemptFields === undefined ? undefined : readAttemptAudio(attemptFields),
      );
      let after: Fields = fields;
      if (decision.kind === 'applied' || decision.kind === 'adopted') {
        const fitted = fitChange(fields, decision.story);
        if (fitted === undefined) return { kind: 'too-large' };
        after = changed(fields, fitted);
        transaction.update(story, { ...withRemovals(fitted), updatedAt: FieldValue.serverTimestamp() });
      }
      const attempt = 'attempt' in decision ? decision.attempt : undefined;
      // Older writers gave stories job ids that name no document; such a job has no history.
      if (attempt !== undefined && documentIdFault(attempt.jobId) === undefined) {
        const written = { jobId: attempt.jobId, ...withRemovals(attempt.change) };
        transaction.set(attempts.doc(attempt.jobId), written, { merge: true });
      }
      const narration = readNarration(after);
      const note = notes?.(decision.kind, narration);
      if (note !== undefined) transaction.set(owedRef(firestore, note.id), owedFields(note));
      return { kind: 'decided', decision: decision.kind, narration };
    });
  };

  const open: AttemptStore['open'] = (storyId, newJobId, decide) =>
    transact(async (transaction) => {
      const story = storyRef(storyId);
      const attempt = story.collection(ATTEMPTS).doc(newJobId);
      const [storyDoc, attemptDoc] = await transaction.getAll(story, attempt);
      const fields = storyDoc?.data();
      const known = readKnownAttempt(attemptDoc?.data());
      const decision = decide(fields === undefined ? undefined : readStoryText(fields), known);
      if (decision.kind !== 'opened') return decision;
      const now = FieldValue.serverTimestamp();
      if (fields === undefined) {
        transaction.create(story, {
          ...decision.newStory,
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

  const readdress: AddressStore['readdress'] = (storyId, decide) =>
    transact(async (transaction) => {
      const story = storyRef(storyId);
      const fields = (await transaction.get(story)).data();
      const decision = await decide(
        fields && {
          userId: text(fields[OWNER_FIELD]),
          audioUrl: text(fields['audioUrl']),
          storagePath: text(fields['audioStoragePath']),
        },
      );
      // Another way to the same audio is no news of the story, so `updatedAt` stays.
      if (decision.kind === 'renewed') transaction.update(story, { audioUrl: decision.audioUrl });
      return decision;
    });

  const ping: StoryStore['ping'] = async () => {
    try {
      return (
        (await call(() =>
          storyRef('health-probe')
            .get()
            .then(() => 'there'),
        )) === 'there'
      );
    } catch {
      return false;
    }
  };

  return { apply, open, readdress, ping };
};
