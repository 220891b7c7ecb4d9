import { openSoundFiles } from '@taleback/speech/src/protocol/sound-files.node.ts';
import { openSpeechThread } from '@taleback/speech/src/engines/open/speech-thread.node.ts';
import { median, pairedRatio } from './interleaved-rounds.ts';
import { type Asker, inTurn, tripsTo } from './ipc-asker.ts';
import type { IpcChildren } from './ipc-children.ts';
import { openPool, ourChildren } from './ipc-ours.ts';
import { openLines } from './ipc-raw.ts';
import { openPiscina, openRawThread } from './ipc-threads.ts';
import { interleavedThroughput, interleavedTrips, type Traveller } from './round-trips.ts';

const WORKERS = 2;
const AT_ONCE = 8;
/** Many short ones: where the system puts the two sides changes within seconds, and with it what waking costs. */
const ROUNDS = 31;
const TRIPS = 800;
/** Sixteen samples: enough to tell whose answer it is. */
const ANSWER_BYTES = 32;

interface Contest {
  readonly over: string;
  /** The floor for a request alone: one worker, spoken to without anything between. */
  readonly raw: Asker;
  /** The floor for several at once: as many such workers as the others have. */
  readonly rawTogether: Asker;
  readonly others: Readonly<Record<string, Asker>>;
}

const travellersOf = (askers: Readonly<Record<string, Asker>>): Record<string, Traveller> =>
  Object.fromEntries(
    Object.entries(askers).map(([name, asker]) => [
      name,
      { trip: tripsTo(asker, ANSWER_BYTES), count: TRIPS },
    ]),
  );

/** Everybody as a multiple of raw: a request alone, and several at once. */
const compare = async ({ over, raw, rawTogether, others }: Contest): Promise<Record<string, number>> => {
  const figures: Record<string, number> = {};
  const alone = await interleavedTrips(travellersOf({ raw, ...others }), ROUNDS);
  for (const [name, costs] of Object.entries(alone)) {
    figures[`${over}, ${name}, p50 us`] = median(costs);
    if (name !== 'raw') figures[`${over}, ${name}, p50 x raw`] = pairedRatio(costs, alone['raw'] ?? []);
  }
  const together = await interleavedThroughput(
    travellersOf({ raw: rawTogether, ...others }),
    ROUNDS,
    AT_ONCE,
  );
  for (const [name, costs] of Object.entries(together)) {
    figures[`${over}, ${name}, ${AT_ONCE} at once, a second`] = Math.round(1_000_000 / median(costs));
    if (name === 'raw') continue;
    figures[`${over}, ${name}, ${AT_ONCE} at once, rate x raw`] = pairedRatio(together['raw'] ?? [], costs);
  }
  return figures;
};

const closeAll = async ({ raw, rawTogether, others }: Contest): Promise<void> => {
  for (const asker of [raw, rawTogether, ...Object.values(others)]) await asker.close();
};

/** Requests that cost nothing, to threads: through the pool, through its peer and without anything between. */
export const measureThreads = async ({
  thread,
  rawThread,
  piscinaThread,
}: IpcChildren): Promise<Record<string, number>> => {
  const contest: Contest = {
    over: 'threads',
    raw: await openRawThread(rawThread),
    rawTogether: inTurn([await openRawThread(rawThread), await openRawThread(rawThread)]),
    others: {
      pool: await openPool(openSpeechThread(thread), WORKERS),
      piscina: openPiscina(piscinaThread, WORKERS, 'sync'),
      'piscina without atomics': openPiscina(piscinaThread, WORKERS, 'disabled'),
    },
  };
  try {
    return await compare(contest);
  } finally {
    await closeAll(contest);
  }
};

/** The same to processes. */
export const measureProcesses = async ({
  node,
  speechChild,
  rawChild,
}: IpcChildren): Promise<Record<string, number>> => {
  const files = await openSoundFiles();
  const contest: Contest = {
    over: 'processes',
    raw: openLines(node, rawChild),
    rawTogether: inTurn([openLines(node, rawChild), openLines(node, rawChild)]),
    others: { pool: await openPool(ourChildren(node, speechChild, files, '2.1.0'), WORKERS) },
  };
  try {
    return await compare(contest);
  } finally {
    await closeAll(contest);
    await files.close();
  }
};
