import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { startStores } from '@taleback/scripts/src/emulators/stores.ts';
import { narrateInPeace } from './reference.ts';
import { runStorm, type StormReport } from './storm.ts';
import { tellTales } from './tales.ts';
export { type StormReport } from './storm.ts';

/** A report for people: what became of the stories, what happened to them, and what should not be. */
export const describeStorm = ({ seed, verdict, troubles, counts, seconds }: StormReport): string => {
  const { ready, failed, attempts, faults } = verdict;
  const causes = Object.entries(failed).map(([code, times]) => `${times} ${code}`);
  const way = Object.entries(troubles).map(([trouble, times]) => `${times} ${trouble}`);
  const end = faults.length === 0 ? 'survived' : 'NOT SURVIVED';
  return [
    `seed ${seed}: ${end} in ${seconds} s: ${ready} ready; failed: ${causes.join(', ') || 'none'}; ${attempts} attempts`,
    `  processes killed ${counts.kills} times, Firestore stood still ${counts.pauses} times; callbacks: ${way.join(', ')}`,
    `  set back by another app ${counts.resets}, subscription deleted ${counts.lostSubscriptions}, Try Again ${counts.pressed}; callbacks under an id not yet recorded ${counts.early}, events repeated ${counts.repeatedEvents}`,
    ...faults.map((fault) => `  ${fault}`),
  ].join('\n');
};

/**
 * Starts the emulators and finds out what each story sounds like in peace.
 *
 * @param folder for logs and audio; it has to be there
 * @param stories in each storm
 * @throws Error when a Firestore runs whose process is not known: it has to be paused
 */
export const openChaos = async (folder: string, stories: number) => {
  const stores = await startStores(folder);
  try {
    const { firestorePid } = stores;
    if (firestorePid === undefined)
      throw new Error('chaos pauses Firestore, and must start it itself: unset FIRESTORE_EMULATOR_HOST');
    const tales = tellTales(stories);
    const peace = join(folder, 'peace');
    await mkdir(peace, { recursive: true });
    const reference = await narrateInPeace(tales, peace);
    return {
      /** One storm. Its accidents are drawn from the seed, a whole number from 0. */
      storm: (seed: number) =>
        runStorm({ seed, tales, reference, firestorePid, folder: join(folder, `storm-${seed}`) }),
      close: stores.stop,
    };
  } catch (error) {
    await stores.stop();
    throw error;
  }
};
export type Chaos = Awaited<ReturnType<typeof openChaos>>;
