import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createNames } from '@taleback/core';
import { judgeEvents } from '../chaos/verdict.ts';
import type { HonestStory } from './honest.ts';
import type { plantHostileStories } from './hostile-users.ts';
import type { System } from './system.ts';

const { collections, documents } = createNames();

/** What only hostile messages contain. */
const EVIL = /evil/;
/** Collections that may exist. */
const KNOWN = new Set([
  ...Object.values(collections),
  ...Object.values(documents).map((path) => path.split('/')[0]),
]);

const judgeHonest = async (
  { id, userId, title, text, end, attempts }: HonestStory,
  story: Readonly<Record<string, unknown>>,
  opened: number,
  { audioFolder }: System,
): Promise<readonly string[]> => {
  const faults = Object.entries({ userId, title, text, audioStatus: end })
    .filter(([name, value]) => story[name] !== value)
    .map(([name, value]) => `${id}: ${name} is ${String(story[name])} instead of ${value}`);
  if (opened !== attempts) faults.push(`${id} has ${opened} attempts instead of ${attempts}`);
  const path = String(story['audioStoragePath']);
  const hasAudio = async (): Promise<boolean> =>
    path.includes(`/${userId}/`) &&
    path.includes(`/${id}/`) &&
    (await stat(join(audioFolder, path))).size > 0;
  if (end === 'ready' && !(await hasAudio().catch(() => false)))
    faults.push(`${id} is ready without audio of its own: ${path}`);
  return faults;
};

/** Looks at everything in Firestore, and at every job and event. @returns what should not be, a sentence each */
export const judge = async (
  system: System,
  honest: readonly HonestStory[],
  { untouched, locked, flood, budgets, voices }: Awaited<ReturnType<typeof plantHostileStories>>,
  startedAt: number,
): Promise<readonly string[]> => {
  const { firestore, jobs, consumer } = system;
  const faults: string[] = [];
  for (const { id } of await firestore.listCollections())
    if (!KNOWN.has(id)) faults.push(`there is a collection ${id}`);
  for (const id of KNOWN)
    for (const doc of (await firestore.collectionGroup(id ?? '').get()).docs)
      if (EVIL.test(doc.ref.path + JSON.stringify(doc.data())))
        faults.push(`${doc.ref.path} holds what a hostile message contained`);
  const { docs } = await firestore.collection(collections.stories).get();
  const attempts = (await firestore.collectionGroup(collections.attempts).get()).docs;
  const opened = Map.groupBy(
    attempts.filter((doc) => doc.get('number') !== undefined),
    (doc) => doc.ref.parent.parent?.id,
  );
  const events = Map.groupBy(consumer.events.values(), ({ subject }) => subject);
  const promised = new Map(honest.map((story) => [story.id, story]));
  for (const doc of docs) {
    const [story, fields] = [promised.get(doc.id), doc.data()];
    promised.delete(doc.id);
    if (story !== undefined) {
      faults.push(...(await judgeHonest(story, fields, opened.get(doc.id)?.length ?? 0, system)));
      faults.push(...judgeEvents(story, fields, events.get(doc.id) ?? []));
    } else if (untouched.includes(doc.id)) {
      if (!doc.createTime.isEqual(doc.updateTime)) faults.push(`${doc.id} was changed`);
    } else if (locked.includes(doc.id)) {
      if (fields['audioStatus'] === 'processing') faults.push(`${doc.id} was not swept`);
    } else if (!flood.includes(doc.id)) faults.push(`there is a story ${doc.id} that no one has written`);
  }
  faults.push(...[...promised.keys()].map((id) => `${id} is gone`));
  // A budget is that of a day, UTC, and a siege may last past midnight.
  const days = new Set([startedAt, Date.now()].map((at) => new Date(at).toISOString().slice(0, 10))).size;
  for (const { userId, budget } of budgets) {
    const [granted, most] = [
      attempts.filter((doc) => doc.get('requestedBy') === userId).length,
      budget * days,
    ];
    if (granted > most) faults.push(`${userId} has had ${granted} narrations instead of ${most} at most`);
  }
  const known = new Set(attempts.map((doc) => doc.id));
  for (const { id, input } of jobs) {
    if (!known.has(id)) faults.push(`the job ${id} has no attempt`);
    if ('priority' in input || voices.includes(input.voice_id) || EVIL.test(JSON.stringify(input)))
      faults.push(`the job ${id} holds what a hostile request contained`);
  }
  return faults;
};
