import { appendFile, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Log, logFields } from '@taleback/core';
import { readWaiting } from '@taleback/outbox';
import { startFallingWorker } from './falling-worker.ts';
import { HMAC_SECRET } from './handler-in-the-field.ts';
import { standStill } from './pauses.ts';
import { runOtherApp } from './other-app.ts';
import { openPlatform, type Platform } from './platform.ts';
import { type Random, randomFrom } from './random.ts';
import type { Reference } from './reference.ts';
import { openRunpod } from './runpod.ts';
import { type Tale, textsOf } from './tales.ts';
import { openTroubledWay } from './troubled-way.ts';
import { findLostAudio, judge } from './verdict.ts';

/** What no line of a log may have, whatever is in it. */
const PATTERNS: Readonly<Record<string, RegExp>> = {
  'the query of an address': /[\w/][?#&][\w.~%-]+=/,
  'a signature': /signature=/i,
  'a token': /token=(?!redacted)/i,
  'a recording': /[\w+/]{300,}/,
};

/** What the logs in a folder show and must not, a sentence each. */
const findLeaks = async (folder: string, secrets: readonly string[]): Promise<string[]> => {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.log'));
  const leaks = new Set<string>();
  for (const file of files) {
    for (const line of (await readFile(join(folder, file), 'utf8')).split('\n')) {
      const shown = Object.keys(PATTERNS).filter((name) => PATTERNS[name]?.test(line));
      if (secrets.some((secret) => line.includes(secret))) shown.push('a secret or a text');
      for (const name of shown) leaks.add(`${file} shows ${name}: ${line.slice(0, 300)}`);
    }
  }
  return [...leaks].slice(0, 10);
};

export interface StormOptions {
  readonly seed: number;
  readonly tales: readonly Tale[];
  readonly reference: Reference;
  readonly firestorePid: number;
  /** A folder of this storm's own, for audio, outboxes and logs. */
  readonly folder: string;
}

export type StormReport = Awaited<ReturnType<typeof runStorm>>;

const WORKERS = 2;
/** The people ask over this time; the storm lasts a little longer. */
const ASKING_MS = 12_000;
const STORM_MS = 18_000;
const SWEEP_EVERY_MS = 1_000;
/** After the storm everything has to come to its end within this time. */
const SETTLE_MS = 120_000;

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

/** A storm over a platform of its own: the emulators are shared, the project is not. */
export const runStorm = async (options: StormOptions) => {
  const { seed, tales, folder } = options;
  const startedAt = Date.now();
  const random = randomFrom(seed);
  const audioFolder = join(folder, 'audio');
  await mkdir(audioFolder, { recursive: true });
  const log: Log = (severity, message, fields) => {
    const line = JSON.stringify({ time: new Date().toISOString(), severity, message, ...logFields(fields) });
    void appendFile(join(folder, 'functions.log'), `${line}\n`);
  };
  const way = await openTroubledWay(random.fork('way'));
  const field = { reference: options.reference, audioFolder };
  const runpod = await openRunpod({ ...field, random: random.fork('runpod'), log });
  const platform = await openPlatform({
    seed,
    random: random.fork('platform'),
    runpod,
    publicUrl: way.url,
    audioFolder,
    log,
  });
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
  const counts = { pauses: 0, lostSubscriptions: 0, pressed: 0 };
  /** Until the storm is over, after waits of between so many milliseconds. */
  const nowAndThen = async (
    name: string,
    [min, max]: readonly [number, number],
    act: (random: Random) => Promise<void>,
  ): Promise<void> => {
    const own = random.fork(name);
    for (;;) {
      await sleep(own.between(min, max));
      if (weather.isOver) return;
      await act(own);
    }
  };
  const lost: string[] = [];
  /** Half of the people whose story has failed press Try Again at once. */
  const tryAgainAlways = async (resets: ReadonlyMap<string, number>): Promise<void> => {
    const pressing = random.fork('try again');
    while (!weather.isDone) {
      for (const tale of await platform.listFailed(tales)) {
        lost.push(...(await findLostAudio(tale, platform.firestore, resets)));
        if (pressing.chance(0.5)) continue;
        counts.pressed += 1;
        await platform.ask(tale, 1, 'retry');
      }
      await sleep(SWEEP_EVERY_MS);
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
    await Promise.all(workers.map(({ ready }) => ready));
    const app = runOtherApp(tales, {
      ...field,
      random: random.fork('app'),
      firestore: platform.firestore,
      callbackUrl: platform.callbackUrl,
      withinMs: ASKING_MS,
    });
    const storm = Promise.all([
      app.done,
      askForAll(tales, platform, random.fork('people')),
      nowAndThen('subscription', [4_000, 8_000], () => {
        counts.lostSubscriptions += 1;
        return platform.loseSubscription();
      }),
      nowAndThen('pauses', [2_000, 5_000], (pausing) => {
        counts.pauses += 1;
        return standStill(options.firestorePid, pausing.between(500, 3_000));
      }),
      ...workers.map((worker, index) =>
        nowAndThen(`worker-${index}`, [2_000, 6_000], (killing) =>
          killing.chance(0.5) ? worker.loseVoice() : worker.fall(killing.between(0, 1_000)),
        ),
      ),
    ]);
    const always = Promise.all([sweepAlways(), tryAgainAlways(app.resets)]);
    // They are waited for later; until then their fault must not end the process.
    Promise.all([storm, always]).catch(() => {});
    await sleep(STORM_MS);
    weather.isOver = true;
    await Promise.all([way.calm(), storm]);
    const deadline = Date.now() + SETTLE_MS;
    while (Date.now() < deadline) {
      const isCalm = (await platform.isSettled()) && (await platform.listFailed(tales)).length === 0;
      if (isCalm && (await leftIn(folder)).length === 0) break;
      await sleep(500);
    }
    weather.isDone = true;
    await always;
    const verdict = await judge({
      firestore: platform.firestore,
      tales,
      audioFolder,
      reference: options.reference,
      consumer: platform.consumer,
      leftInOutboxes: await leftIn(folder),
    });
    const kills = workers.reduce((sum, worker) => sum + worker.falls(), 0);
    const [early, repeatedEvents] = [runpod.early(), platform.consumer.repeated()];
    const seconds = Math.round((Date.now() - startedAt) / 1000);
    const secrets = [
      String(platform.workerEnvironment['CALLBACK_SECRETS']),
      HMAC_SECRET,
      ...tales.flatMap(textsOf),
    ];
    const faults = [...new Set(lost), ...verdict.faults, ...(await findLeaks(folder, secrets))];
    return {
      seed,
      verdict: { ...verdict, faults },
      troubles: way.counts,
      /** How often each has happened. */
      counts: { ...counts, kills, resets: app.resets.size, early, repeatedEvents },
      seconds,
    };
  } finally {
    weather.isOver = true;
    weather.isDone = true;
    await Promise.all(workers.map((worker) => worker.stop()));
    await way.close();
    await runpod.close();
    await platform.close();
  }
};
