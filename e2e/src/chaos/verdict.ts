import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createNames } from '@taleback/core';
import type { NarrationEvent } from '@taleback/functions/src/events/narration-event.ts';
import type { Firestore, Timestamp } from 'firebase-admin/firestore';
import type { EventConsumer } from './event-consumer.ts';
import type { Reference } from './reference.ts';
import { type Tale, textsOf } from './tales.ts';

interface Trial {
  readonly firestore: Firestore;
  readonly tales: readonly Tale[];
  readonly audioFolder: string;
  readonly reference: Reference;
  readonly consumer: EventConsumer;
  /** Callbacks that still lie in an outbox. */
  readonly leftInOutboxes: readonly string[];
}

const isUnder = (status: unknown): boolean => status !== 'ready' && status !== 'failed';

const judgeStory = async (
  tale: Tale,
  fields: Record<string, unknown>,
  { audioFolder, reference }: Trial,
): Promise<readonly string[]> => {
  const { audioStatus: status, audioErrorCode: code, audioStoragePath: path } = fields;
  if (isUnder(status)) return [`${tale.id} is still ${String(status)}`];
  if (status === 'failed') {
    if (typeof code !== 'string' || typeof fields['audioError'] !== 'string')
      return [`${tale.id} failed without a cause`];
    return tale.fault === undefined ? [`${tale.id} failed with ${code} although people tried again`] : [];
  }
  if (tale.fault !== undefined) return [`${tale.id} is ready, but has no voice to be narrated with`];
  if (typeof path !== 'string') return [`${tale.id} is ready without audio`];
  if (!path.endsWith(`/${String(fields['audioJobId'])}.mp3`))
    return [`${tale.id} is ready with the audio of a job that was given up`];
  const heard = await readFile(join(audioFolder, path));
  // Another app does not say what it has narrated.
  const { audioTextHash: hash } = fields;
  const isIts = textsOf(tale)
    .filter((text) => hash === undefined || hash === createHash('sha256').update(text).digest('hex'))
    .some((text) => reference.get(text)?.equals(heard));
  return isIts ? [] : [`${tale.id} is ready with audio that is not its own`];
};

const judgeAttempts = (
  tale: Tale,
  attempts: readonly (readonly [string, Record<string, unknown>])[],
  currentJob: unknown,
): readonly string[] =>
  attempts.flatMap(([jobId, { status, transitions }]) => {
    const faults: string[] = [];
    const isReady = (transitions as Record<string, unknown> | undefined)?.['ready'] !== undefined;
    if (isReady && status !== 'ready')
      faults.push(`${tale.id}: attempt ${jobId} was ready and is ${String(status)}`);
    if (jobId === currentJob && isUnder(status))
      faults.push(`${tale.id}: its current attempt ${jobId} is ${String(status)}`);
    return faults;
  });

/** Each story has its events, numbered without a gap, and the last one says how it ended. A job that is ready stays so. */
export const judgeEvents = (
  tale: Pick<Tale, 'id'>,
  { audioEventSequence: count, audioStatus: status }: Record<string, unknown>,
  events: readonly NarrationEvent[],
): readonly string[] => {
  const ordered = events.toSorted((one, other) => one.data.sequence - other.data.sequence);
  const numbers = ordered.map(({ data }) => data.sequence).join();
  const faults: string[] = [];
  if (numbers !== Array.from({ length: Number(count ?? 0) }, (_, index) => index + 1).join())
    faults.push(`${tale.id} has ${String(count)} ends, and events with the numbers ${numbers}`);
  if (ordered.at(-1)?.data.status !== status)
    faults.push(`${tale.id} is ${String(status)}, and its last event says ${ordered.at(-1)?.data.status}`);
  const ready = new Set<string>();
  for (const { type, data } of ordered) {
    const { jobId, status: end } = data;
    if (jobId === undefined || type.endsWith('.updated')) continue;
    if (ready.has(jobId)) faults.push(`${tale.id}: job ${jobId} was ready and became ${end}`);
    if (end === 'ready') ready.add(jobId);
  }
  return faults;
};

/**
 * Looks at a story that has failed: since another app set it back, no attempt with its content may have become ready. The
 * attempts are read first, so that an end that comes in between is not taken for a fault.
 */
export const findLostAudio = async (
  tale: Tale,
  firestore: Firestore,
  resets: ReadonlyMap<string, number>,
): Promise<readonly string[]> => {
  const { collections } = createNames();
  const story = firestore.collection(collections.stories).doc(tale.id);
  const { docs } = await story.collection(collections.attempts).where('status', '==', 'ready').get();
  const fields = (await story.get()).data() ?? {};
  if (fields['audioStatus'] !== 'failed') return [];
  return docs
    .filter(
      (attempt) =>
        attempt.get('contentHash') === fields['audioContentHash'] &&
        (attempt.get('transitions.ready.at') as Timestamp).toMillis() > (resets.get(tale.id) ?? 0),
    )
    .map(({ id }) => `${tale.id} is failed although attempt ${id} has audio of its content`);
};

/** Looks at everything that the storm has left. `faults`: what should not be, a sentence each; none when it was survived. */
export const judge = async (trial: Trial) => {
  const { collections } = createNames();
  const { events, torn } = trial.consumer;
  const byStory = Map.groupBy(events.values(), ({ subject }) => subject);
  const faults = torn.map((id) => `the event ${id} came with two contents`);
  /** By error code. */
  const failed: Record<string, number> = {};
  let ready = 0;
  let attemptCount = 0;
  for (const tale of trial.tales) {
    const story = trial.firestore.collection(collections.stories).doc(tale.id);
    const [document, attempts] = await Promise.all([
      story.get(),
      story.collection(collections.attempts).get(),
    ]);
    const fields = document.data() ?? {};
    attemptCount += attempts.size;
    if (fields['audioStatus'] === 'ready') ready += 1;
    if (fields['audioStatus'] === 'failed') {
      const code = String(fields['audioErrorCode']);
      failed[code] = (failed[code] ?? 0) + 1;
    }
    const histories = attempts.docs.map((doc) => [doc.id, doc.data()] as const);
    faults.push(...(await judgeStory(tale, fields, trial)));
    faults.push(...judgeAttempts(tale, histories, fields['audioJobId']));
    faults.push(...judgeEvents(tale, fields, byStory.get(tale.id) ?? []));
  }
  faults.push(...trial.leftInOutboxes.map((file) => `an outbox still holds ${file}`));
  return { ready, failed, attempts: attemptCount, faults };
};
