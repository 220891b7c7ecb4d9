import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createNames } from '@taleback/core';
import { judgeEvents } from '../chaos/verdict.ts';
import type { HonestStory } from './honest.ts';
import type { HostileStories } from './hostile-users.ts';
import type { System } from './system.ts';

const { collections, documents } = createNames();

type Fields = Readonly<Record<string, unknown>>;

/** What only hostile messages contain. */
const EVIL = /evil/;
/** By default, of a user and of anonymous ones. */
const NARRATIONS_PER_DAY = { mallory: 100, trudy: 20, oscar: 20 };
/** Collections that may exist. */
const KNOWN = new Set([
  ...Object.values(collections),
  ...Object.values(documents).map((path) => path.split('/')[0]),
]);

const judgeHonest = async (
  { id, userId, title, text, end, attempts }: HonestStory,
  story: Fields,
  opened: number,
  { audioFolder }: System,
): Promise<readonly string[]> => {
  const wanted = { userId, title, text, audioStatus: end };
  const faults = Object.entries(wanted)
    .filter(([name, value]) => story[name] !== value)
    .map(([name, value]) => `${id}: ${name} is ${String(story[name])} instead of ${value}`);
  if (opened !== attempts) faults.push(`${id} has ${opened} attempts instead of ${attempts}`);
  if (end !== 'ready') return faults;
  const path = String(story['audioStoragePath']);
  const file = await stat(join(audioFolder, path)).catch(() => undefined);
  if (!path.includes(`/${userId}/`) || !path.includes(`/${id}/`) || !file?.size)
    faults.push(`${id} is ready without audio of its own: ${path}`);
  return faults;
};

/** Looks at everything in Firestore, and at every job and event. */
export const judge = async (
  system: System,
  honest: readonly HonestStory[],
  { untouched, locked, flood, voices }: HostileStories,
): Promise<string[]> => {
  const { firestore, jobs, consumer } = system;
  const faults: string[] = [];
  for (const { id } of await firestore.listCollections())
    if (!KNOWN.has(id)) faults.push(`there is a collection ${id}`);
  for (const id of KNOWN) {
    const { docs } = await firestore.collectionGroup(id ?? '').get();
    for (const doc of docs)
      if (EVIL.test(doc.ref.path + JSON.stringify(doc.data())))
        faults.push(`${doc.ref.path} holds what a hostile message contained`);
  }
  const promised = new Map(honest.map((story) => [story.id, story]));
  const { docs } = await firestore.collection(collections.stories).get();
  const attempts = await firestore.collectionGroup(collections.attempts).get();
  const opened = Map.groupBy(
    attempts.docs.filter((doc) => doc.get('number') !== undefined),
    (doc) => doc.ref.parent.parent?.id ?? '',
  );
  const events = Map.groupBy(consumer.events.values(), ({ subject }) => subject);
  for (const doc of docs) {
    const [story, fields] = [promised.get(doc.id), doc.data()];
    promised.delete(doc.id);
    if (story !== undefined) {
      faults.push(...(await judgeHonest(story, fields, opened.get(doc.id)?.length ?? 0, system)));
      faults.push(...judgeEvents(story, fields, events.get(doc.id) ?? []));
    } else if (untouched.includes(doc.id)) {
      if (!doc.createTime.isEqual(doc.updateTime)) faults.push(`${doc.id} was changed`);
    } else if (flood.includes(doc.id)) continue;
    else if (!locked.includes(doc.id)) faults.push(`there is a story ${doc.id} that no one has written`);
    else if (fields['audioStatus'] === 'processing') faults.push(`${doc.id} was not swept`);
  }
  faults.push(...[...promised.keys()].map((id) => `${id} is gone`));
  for (const [user, most] of Object.entries(NARRATIONS_PER_DAY)) {
    const granted = attempts.docs.filter((doc) => doc.get('requestedBy') === user).length;
    if (granted > most) faults.push(`${user} has had ${granted} narrations instead of ${most} at most`);
  }
  const known = new Set(attempts.docs.map((doc) => doc.id));
  for (const { id, input } of jobs) {
    if (!known.has(id)) faults.push(`the job ${id} has no attempt`);
    if ('priority' in input) faults.push(`the job ${id} has a priority`);
    if (voices.includes(input.voice_id)) faults.push(`the job ${id} has the voice ${input.voice_id}`);
    if (EVIL.test(JSON.stringify(input))) faults.push(`the job ${id} holds what a hostile message contained`);
  }
  return faults;
};
