import { appendFile, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '@taleback/core';
import { readWaiting } from '@taleback/outbox';
import { type FallingWorker, startFallingWorker } from './falling-worker.ts';
import { standStill } from './pauses.ts';
import { openPlatform, type Platform } from './platform.ts';
import { type Random, randomFrom } from './random.ts';
import type { Tale } from './tales.ts';
import { openTroubledWay, type Trouble } from './troubled-way.ts';
import { judge, type Verdict } from './verdict.ts';

export interface StormOptions {
  readonly seed: number;
  readonly tales: readonly Tale[];
  /** What each tale sounds like, by its id. */
  readonly reference: ReadonlyMap<string, string>;
  readonly firestorePid: number;
  /** A folder of this storm's own, for audio, outboxes and logs. */
  readonly folder: string;
}

export interface StormReport {
  readonly seed: number;
  readonly verdict: Verdict;
  readonly troubles: Readonly<Record<Trouble, number>>;
  readonly kills: number;
  readonly pauses: number;
  readonly seconds: number;
}

const WORKERS = 2;
/** The people ask over this time; the storm lasts a little longer. */
const ASKING_MS = 12_000;
const STORM_MS = 18_000;
const SWEEP_EVERY_MS = 1_000;
/** After the storm everything has to come to its end within this time. */
const SETTLE_MS = 120_000;

const sleep = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis));

const outboxOf = (folder: string, worker: number): string => join(folder, `outbox-${worker}`);

/** Files of callbacks that were not accepted yet, and those that were set aside. */
const leftIn = async (folder: string): Promise<string[]> => {
  const left: string[] = [];
  for (let worker = 0; worker < WORKERS; worker += 1) {
    const entries = await readdir(outboxOf(folder, worker), { withFileTypes: true, recursive: true });
    left.push(
      ...entries.filter((entry) => entry.isFile() && entry.name.endsWith('.json')).map((entry) => entry.name),
      ...Array.from({ length: readWaiting(outboxOf(folder, worker)).count }, () => 'a message'),
    );
  }
  return left;
};

/** One job in twenty is lost on its way, and one in ten comes twice. */
const deliveriesOfOne = (random: Random): number => {
  if (random.chance(0.05)) return 0;
  return random.chance(0.1) ? 2 : 1;
};

/** People ask, some of them twice, all within a few seconds. */
const askForAll = async (tales: readonly Tale[], platform: Platform, random: Random): Promise<void> => {
  const asks = tales.map(async (tale) => {
    await sleep(random.between(0, ASKING_MS));
    const times = random.chance(0.2) ? 2 : 1;
    for (let time = 0; time < times; time += 1) await platform.ask(tale, deliveriesOfOne(random));
  });
  await Promise.all(asks);
};

const killNowAndThen = async (
  worker: FallingWorker,
  random: Random,
  isOver: () => boolean,
): Promise<void> => {
  while (!isOver()) {
    await sleep(random.between(2_000, 6_000));
    if (isOver()) return;
    if (random.chance(0.5)) await worker.loseVoice();
    else await worker.fall(random.between(0, 1_000));
  }
};

/** A storm over a platform of its own: the emulators are shared, the project is not. */
export const runStorm = async (options: StormOptions): Promise<StormReport> => {
  const { seed, tales, folder } = options;
  const startedAt = Date.now();
  const random = randomFrom(seed);
  const audioFolder = join(folder, 'audio');
  await mkdir(audioFolder, { recursive: true });
  const log: Log = (severity, message, fields) => {
    const line = JSON.stringify({ time: new Date().toISOString(), severity, message, ...fields });
    void appendFile(join(folder, 'functions.log'), `${line}\n`);
  };
  const way = await openTroubledWay(random.fork('way'));
  const platform = await openPlatform({ seed, publicUrl: way.url, audioFolder, log });
  way.leadTo(platform.url);
  const workers = Array.from({ length: WORKERS }, (_, worker) =>
    startFallingWorker(
      {
        ...platform.workerEnvironment,
        OUTBOX_FOLDER: outboxOf(folder, worker),
        // All workers share it, as they may on one machine, and are killed while they write.
        SPEECH_CACHE_FOLDER: join(folder, 'cache'),
        WORKER_ID: `worker-${worker}`,
      },
      join(folder, `worker-${worker}.log`),
    ),
  );
  const weather = { isOver: false, isDone: false };
  let pauses = 0;
  const pauseNowAndThen = async (): Promise<void> => {
    const pausing = random.fork('pauses');
    while (!weather.isOver) {
      await sleep(pausing.between(2_000, 5_000));
      if (weather.isOver) return;
      pauses += 1;
      await standStill(options.firestorePid, pausing.between(500, 3_000));
    }
  };
  const sweepAlways = async (): Promise<void> => {
    while (!weather.isDone) {
      // Two at once, as when one invocation overtakes another.
      await Promise.all([platform.sweep(), platform.sweep()]);
      await sleep(SWEEP_EVERY_MS);
    }
  };

  try {
    await platform.plant(tales);
    const storm = [
      askForAll(tales, platform, random.fork('people')),
      pauseNowAndThen(),
      ...workers.map((worker, index) =>
        killNowAndThen(worker, random.fork(`worker-${index}`), () => weather.isOver),
      ),
    ];
    const sweeping = sweepAlways();
    // It is waited for at the end; until then its fault must not end the process.
    sweeping.catch(() => {});
    await sleep(STORM_MS);
    weather.isOver = true;
    await Promise.all([way.calm(), ...storm]);
    const deadline = Date.now() + SETTLE_MS;
    while (Date.now() < deadline) {
      if ((await platform.isSettled()) && (await leftIn(folder)).length === 0) break;
      await sleep(500);
    }
    weather.isDone = true;
    await sweeping;
    const verdict = await judge({
      firestore: platform.firestore,
      tales,
      audioFolder,
      reference: options.reference,
      endings: platform.endings(),
      leftInOutboxes: await leftIn(folder),
    });
    const kills = workers.reduce((sum, worker) => sum + worker.falls(), 0);
    const seconds = Math.round((Date.now() - startedAt) / 1000);
    return { seed, verdict, troubles: way.counts, kills, pauses, seconds };
  } finally {
    weather.isOver = true;
    weather.isDone = true;
    await Promise.all(workers.map((worker) => worker.stop()));
    await way.close();
    await platform.close();
  }
};
