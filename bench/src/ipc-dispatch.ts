import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSoundFiles } from '@taleback/speech';
import { median, pairedRatio } from './measure.ts';
import { type Asker, inTurn, type IpcChildren, tripsTo } from './ipc-asker.ts';
import { filesIn, openAlone, openPool, ourChildren } from './ipc-ours.ts';
import { openFramed, openLines, openPiscina, openRawThread } from './ipc-raw.ts';
import { interleavedThroughput, interleavedTrips, type Traveller } from './round-trips.ts';
import { openSpeechThread } from '@taleback/speech/child';

/** Bytes of sound, how many round trips make a round (enough to forget how it began), and how many rounds. */
const SIZES = [
  { label: '1 KB', sizeBytes: 1_024, count: 300, rounds: 31 },
  { label: '100 KB', sizeBytes: 102_400, count: 300, rounds: 15 },
  { label: '1 MB', sizeBytes: 1_048_576, count: 20, rounds: 15 },
] as const;

/** As base64 a megabyte is longer than a line of the protocol may be. */
const TOO_LONG_FOR_BASE64 = '1 MB';

/** Sound from a child process: ours in every way that the protocol knows, beside framing written by hand. */
export const measureAudio = async ({
  node,
  speechChild,
  rawChild,
}: IpcChildren): Promise<Record<string, number>> => {
  const files = await openSoundFiles();
  const folder = await mkdtemp(join(tmpdir(), 'taleback-bench-'));
  const raw = openFramed(node, rawChild);
  const ours = {
    '2.1': await openAlone(ourChildren(node, speechChild, files, '2.1.0')),
    '2.0 by file in memory': await openAlone(ourChildren(node, speechChild, files, '2.0.0')),
    '2.0 by file on disk': await openAlone(ourChildren(node, speechChild, filesIn(folder, files), '2.0.0')),
    '2.0 base64': await openAlone(ourChildren(node, speechChild, files, '2.0.0', 'base64')),
  } as const satisfies Record<string, Asker>;
  const figures: Record<string, number> = {};
  try {
    for (const { label, sizeBytes, count, rounds } of SIZES) {
      const askers = Object.entries(ours).filter(
        ([name]) => name !== '2.0 base64' || label !== TOO_LONG_FOR_BASE64,
      );
      const travellers = Object.fromEntries(
        Object.entries({ raw, ...Object.fromEntries(askers) }).map(([name, asker]) => [
          name,
          { trip: tripsTo(asker, sizeBytes), count },
        ]),
      );
      const costs = await interleavedTrips(travellers, rounds);
      const of = (name: string): number[] => costs[name] ?? [];
      figures[`audio ${label}, raw framing by hand, p50 us`] = median(of('raw'));
      figures[`audio ${label}, 2.1, p50 us`] = median(of('2.1'));
      figures[`audio ${label}, 2.1, x raw framing`] = pairedRatio(of('2.1'), of('raw'));
      for (const [name] of askers.slice(1)) {
        figures[`audio ${label}, ${name}, x 2.1`] = pairedRatio(of(name), of('2.1'));
      }
    }
  } finally {
    for (const asker of [raw, ...Object.values(ours)]) await asker.close();
    await files.close();
    await rm(folder, { recursive: true, force: true });
  }
  return figures;
};

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

/** Everybody as a multiple of raw: a request alone, and several at once. It ends with all of them closed. */
const compare = async ({ over, raw, rawTogether, others }: Contest): Promise<Record<string, number>> => {
  const figures: Record<string, number> = {};
  try {
    const alone = await interleavedTrips(travellersOf({ raw, ...others }), ROUNDS);
    for (const [name, costs] of Object.entries(alone)) {
      figures[`${over}, ${name}, p50 us`] = median(costs);
      if (name !== 'raw') figures[`${over}, ${name}, p50 x raw`] = pairedRatio(costs, alone['raw'] ?? []);
    }
    const several = travellersOf({ raw: rawTogether, ...others });
    const together = await interleavedThroughput(several, ROUNDS, AT_ONCE);
    for (const [name, costs] of Object.entries(together)) {
      const what = `${over}, ${name}, ${AT_ONCE} at once`;
      figures[`${what}, a second`] = Math.round(1_000_000 / median(costs));
      if (name !== 'raw') figures[`${what}, rate x raw`] = pairedRatio(together['raw'] ?? [], costs);
    }
    return figures;
  } finally {
    for (const asker of [raw, rawTogether, ...Object.values(others)]) await asker.close();
  }
};

/** Requests that cost nothing, to threads: through the pool, through its peer and without anything between. */
export const measureThreads = async ({
  thread,
  rawThread,
  piscinaThread,
}: IpcChildren): Promise<Record<string, number>> =>
  compare({
    over: 'threads',
    raw: await openRawThread(rawThread),
    rawTogether: inTurn([await openRawThread(rawThread), await openRawThread(rawThread)]),
    others: {
      pool: await openPool(openSpeechThread(thread), WORKERS),
      piscina: openPiscina(piscinaThread, WORKERS, 'sync'),
      'piscina without atomics': openPiscina(piscinaThread, WORKERS, 'disabled'),
    },
  });

/** The same to processes. */
export const measureProcesses = async ({
  node,
  speechChild,
  rawChild,
}: IpcChildren): Promise<Record<string, number>> => {
  const files = await openSoundFiles();
  try {
    return await compare({
      over: 'processes',
      raw: openLines(node, rawChild),
      rawTogether: inTurn([openLines(node, rawChild), openLines(node, rawChild)]),
      others: { pool: await openPool(ourChildren(node, speechChild, files, '2.1.0'), WORKERS) },
    });
  } finally {
    await files.close();
  }
};
