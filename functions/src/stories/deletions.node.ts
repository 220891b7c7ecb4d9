import { createHash } from 'node:crypto';
import {
  type DeleteCommand,
  isEnded,
  isRecord,
  isUnderWay,
  readAttemptAudio,
  readNarration,
  textOf,
} from '@taleback/core';
import { recordingHash } from '@taleback/core/storage';
import {
  type DocumentData,
  FieldPath,
  FieldValue,
  type Firestore,
  type Query,
  Timestamp,
} from 'firebase-admin/firestore';
import { owedFields, owedRef } from '../events/owed-events.node.ts';
import type { NarrationEvent } from '../events/narration-event.ts';
import type { MessageTarget } from './documents.ts';
import { createFirestoreCalls, type FirestoreOptions, type StoreAway } from './firestore-calls.node.ts';
import { usageIdOf } from './opening.ts';
import { isOwnPlace, NO_USERS_FOLDER } from './ownership.ts';

/** What is to be deleted, as it is written down. */
export interface Deletion {
  readonly id: string;
  readonly userId: string;
  /** Undefined: everything of the user. */
  readonly storyId: string | undefined;
  /** `done`: all was removed once; what comes later is looked for. */
  readonly state: 'open' | 'done';
  readonly requestedAt: Timestamp;
  /** Ids of the story's jobs, ours and RunPod's. */
  readonly jobs: readonly string[];
  /** Where the story's audio was. */
  readonly places: readonly string[];
  readonly recordingPath: string | undefined;
  /** How often audio was looked for. */
  readonly checks: number;
}

/** When the sweep takes over a deletion whose call was interrupted: a callable has a minute. */
const TAKEN_OVER_MS = 60_000;
/** How old a finished deletion is before workers are sent it: none that was written at the same time may be passed over. */
const SETTLED_MS = 10_000;
/** Deletions in the answer to one heartbeat, and how long they may be together, as JSON. */
const DELETIONS_AT_ONCE = 20;
const MAX_COMMAND_CHARACTERS = 200_000;
const CANCELLED: NarrationEvent['type'] = 'dev.taleback.narration.cancelled';
/** Documents in one commit. */
const BATCH = 200;
/** Firestore takes 30 values for `in`. */
const IN_VALUES = 30;

const idOf = (userId: string, storyId: string | undefined): string =>
  createHash('sha256')
    .update(JSON.stringify([userId, storyId ?? null]))
    .digest('hex');

const texts = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];

const readDeletion = (id: string, fields: DocumentData): Deletion => ({
  id,
  userId: String(fields['userId']),
  storyId: textOf(fields['storyId']),
  state: fields['state'] === 'done' ? 'done' : 'open',
  requestedAt: fields['requestedAt'] instanceof Timestamp ? fields['requestedAt'] : Timestamp.now(),
  jobs: texts(fields['jobs']),
  places: texts(fields['places']),
  recordingPath: textOf(fields['recordingPath']),
  checks: Number(fields['checks']) || 0,
});

export type DeletionStore = ReturnType<typeof createDeletionStore>;

/** Deletions in Cloud Firestore, and what they delete there. */
export const createDeletionStore = (
  firestore: Firestore,
  { now, ...options }: FirestoreOptions & { /** Unix milliseconds. */ readonly now: () => number },
) => {
  const { names, storyRef, usageRef, call, transact } = createFirestoreCalls(firestore, options);
  const { collections, ownerField } = names;
  const records = firestore.collection(collections.deletions);
  const stories = firestore.collection(collections.stories);
  const attempts = (storyId: string) => storyRef(storyId).collection(collections.attempts);

  /**
   * Deletes what a query finds; of events, those of a cancelled narration stay until they are published.
   * @param change what documents get instead of being deleted
   */
  const removeFound = async (query: Query, change?: Readonly<Record<string, unknown>>): Promise<void> => {
    for (let page = query.select('event.type').limit(BATCH); ; ) {
      const { docs } = await page.get();
      const last = docs.at(-1);
      if (last === undefined) return;
      const batch = firestore.batch();
      for (const document of docs)
        if (change !== undefined) batch.update(document.ref, change);
        else if (document.get('event.type') !== CANCELLED) batch.delete(document.ref);
      await batch.commit();
      if (docs.length < BATCH) return;
      page = page.startAfter(last);
    }
  };
  /** Whether another story of the user has the recording. */
  const isRecordingUsed = async ({ userId, recordingPath }: Deletion): Promise<boolean> => {
    const same = stories.where('audioJobExtras.recording_path', '==', recordingPath);
    const { docs } = await same.limit(BATCH).select(ownerField).get();
    return docs.some((document) => document.get(ownerField) === userId);
  };
  const newRecord = (fields: object) => ({
    ...fields,
    state: 'open',
    checks: 0,
    requestedAt: FieldValue.serverTimestamp(),
    nextAt: Timestamp.fromMillis(now() + TAKEN_OVER_MS),
  });
  const read = async (id: string): Promise<Deletion> =>
    readDeletion(id, (await records.doc(id).get()).data() ?? {});

  return {
    /**
     * Writes the deletion down and deletes the story's document in one transaction: from then on it is gone. A narration
     * that is under way is cancelled.
     */
    open: async (
      userId: string,
      storyId: string,
      eventOf?: MessageTarget['eventOf'],
    ): Promise<
      | { readonly kind: 'opened'; readonly deletion: Deletion; readonly event?: NarrationEvent | undefined }
      | { readonly kind: 'no-such-story' }
      | StoreAway
    > => {
      const id = idOf(userId, storyId);
      const outcome = await transact(async (transaction) => {
        const [story, record] = await transaction.getAll(storyRef(storyId), records.doc(id));
        const fields = story?.data();
        if (fields?.[ownerField] !== userId)
          return record?.exists === true ? { kind: 'opened' as const } : { kind: 'no-such-story' as const };
        const known = record?.exists === true ? readDeletion(id, record.data() ?? {}) : undefined;
        const extras: unknown = fields['audioJobExtras'];
        const recordingPath = isRecord(extras) ? textOf(extras['recording_path']) : undefined;
        const places = [textOf(fields['audioStoragePath'])].filter((place) => place !== undefined);
        const jobs = [textOf(fields['audioJobId']), textOf(fields['audioRunpodJobId'])];
        transaction.set(
          records.doc(id),
          newRecord({
            userId,
            storyId,
            jobs: [...new Set([...(known?.jobs ?? []), ...jobs.filter((job) => job !== undefined)])],
            places: [...new Set([...(known?.places ?? []), ...places])],
            ...(recordingHash(recordingPath) === undefined ? {} : { recordingPath }),
          }),
        );
        transaction.delete(storyRef(storyId));
        const narration = readNarration(fields);
        const { status, eventSequence } = narration;
        if (!isUnderWay(status) || eventOf === undefined) return { kind: 'opened' as const };
        const event = eventOf('cancelled', { ...narration, userId, eventSequence: eventSequence + 1 });
        transaction.create(owedRef(firestore, names, event.id), owedFields(event));
        return { kind: 'opened' as const, event };
      });
      return outcome.kind === 'opened'
        ? call(async () => ({ ...outcome, deletion: await read(id) }))
        : outcome;
    },
    openUser: (
      userId: string,
    ): Promise<{ readonly kind: 'opened'; readonly deletion: Deletion } | StoreAway> =>
      call(async () => {
        const id = idOf(userId, undefined);
        await records.doc(id).set(newRecord({ userId }));
        return { kind: 'opened', deletion: await read(id) };
      }),
    attemptsOf: async (storyId: string) => {
      const { docs } = await attempts(storyId).get();
      return docs.map((document) => ({
        jobId: document.id,
        runpodJobId: textOf(document.get('runpodJobId')),
        isUnderWay: !isEnded(readAttemptAudio(document.id, document.data()).status),
      }));
    },
    noteJobs: async (id: string, jobs: readonly string[]): Promise<void> => {
      if (jobs.length > 0) await records.doc(id).update({ jobs: FieldValue.arrayUnion(...jobs) });
    },
    isRecordingUsed,
    /** Deletes what names the jobs of a story: attempts, events, answers of requests, places in the budget. */
    removeTraces: async ({ userId, storyId = '', jobs, state }: Deletion): Promise<void> => {
      const batch = firestore.batch();
      for (const job of jobs.filter((id) => !id.includes('/'))) batch.delete(attempts(storyId).doc(job));
      if (state === 'open' && jobs.length > 0)
        for (const by of ['person', 'generate'] as const) {
          const usage = usageRef(usageIdOf(userId, by));
          const ended = Object.fromEntries(jobs.map((job) => [job, FieldValue.delete()]));
          if ((await usage.get()).exists) batch.set(usage, { underWay: ended }, { merge: true });
        }
      await batch.commit();
      if (state === 'open') await removeFound(attempts(storyId));
      await removeFound(firestore.collection(collections.owedEvents).where('event.subject', '==', storyId));
      for (let start = 0; start < jobs.length; start += IN_VALUES) {
        const some = jobs.slice(start, start + IN_VALUES);
        await removeFound(firestore.collection(collections.replays).where('jobId', 'in', some));
      }
    },
    /** Stories that the user had when the deletion was requested. */
    storiesOf: async ({ userId, requestedAt }: Deletion, limit: number) => {
      const { docs } = await stories.where(ownerField, '==', userId).select('createdAt').limit(1_000).get();
      const old = docs.filter((document) => {
        const createdAt: unknown = document.get('createdAt');
        return !(createdAt instanceof Timestamp) || createdAt.toMillis() <= requestedAt.toMillis();
      });
      return {
        stories: old.slice(0, limit).map(({ id }) => id),
        isLast: old.length <= limit && docs.length < 1_000,
      };
    },
    /** Stories of the user that are deleted, or were. */
    deletedOf: async (userId: string): Promise<readonly string[]> => {
      const { docs } = await records.where('userId', '==', userId).select('storyId').get();
      return docs.flatMap((document) => textOf(document.get('storyId')) ?? []);
    },
    livingOf: async (userId: string): Promise<readonly string[]> =>
      (await stories.where(ownerField, '==', userId).select().get()).docs.map(({ id }) => id),
    /** Deletes what is kept of a user beside the stories. */
    removeUser: async (userId: string): Promise<void> => {
      const user = createHash('sha256').update(userId).digest('hex');
      const batch = firestore.batch();
      batch.delete(firestore.collection(collections.runpodTurns).doc(user));
      for (const by of ['person', 'generate'] as const) batch.delete(usageRef(usageIdOf(userId, by)));
      await batch.commit();
      // Closed, not deleted: a voice that is not in the register passes for other servers.
      const own = firestore.collection(collections.voices).where('access.owner', '==', userId);
      await removeFound(own, { access: 'closed', isDecided: true });
      await removeFound(
        firestore.collection(collections.owedEvents).where('event.data.userId', '==', userId),
      );
    },
    settle: async (
      id: string,
      { checks, nextAtMs }: { readonly checks: number; readonly nextAtMs: number },
    ) => {
      const [nextAt, settledAt] = [nextAtMs, now()].map((ms) => Timestamp.fromMillis(ms));
      await records.doc(id).update({ state: 'done', checks, nextAt, settledAt });
    },
    /**
     * Deletions after a worker's cursor, in the order in which they were finished; each again when it was checked again.
     */
    listFinished: (cursor: string): Promise<{ kind: 'listed'; commands: DeleteCommand[] } | StoreAway> =>
      call(async () => {
        const [afterMs = '', afterId] = cursor.split(':');
        const { docs } = await records
          .where('settledAt', '<=', Timestamp.fromMillis(now() - SETTLED_MS))
          .orderBy('settledAt')
          .orderBy(FieldPath.documentId())
          .startAfter(Timestamp.fromMillis(Number(afterMs)), afterId || '0')
          .limit(DELETIONS_AT_ONCE)
          .get();
        const commands: DeleteCommand[] = [];
        let characters = 0;
        for (const document of docs) {
          const deletion = readDeletion(document.id, document.data());
          const { userId, storyId, requestedAt, recordingPath } = deletion;
          const isKept = recordingPath === undefined || (await isRecordingUsed(deletion));
          const command = {
            kind: 'delete' as const,
            cursor: `${(document.get('settledAt') as Timestamp).toMillis()}:${document.id}`,
            user_id: userId,
            story_id: storyId,
            jobs: [...deletion.jobs],
            places: deletion.places.filter((place) => isOwnPlace(place, [userId, NO_USERS_FOLDER])),
            recording: isKept ? undefined : recordingHash(recordingPath),
            requested_at: requestedAt.toMillis(),
          };
          characters += JSON.stringify(command).length;
          if (commands.length > 0 && characters > MAX_COMMAND_CHARACTERS) break;
          commands.push(command);
        }
        return { kind: 'listed' as const, commands };
      }),
    forget: async (id: string): Promise<void> => {
      await records.doc(id).delete();
    },
    listDue: (byMs: number, limit: number) =>
      call(async () => {
        const due = records.where('nextAt', '<=', Timestamp.fromMillis(byMs)).orderBy('nextAt').limit(limit);
        const { docs } = await due.get();
        return { kind: 'due' as const, deletions: docs.map((one) => readDeletion(one.id, one.data())) };
      }),
  };
};
