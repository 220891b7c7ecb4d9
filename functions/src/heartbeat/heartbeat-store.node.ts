import { createHash } from 'node:crypto';
import { type Heartbeat, heartbeatEndMs, present, type ReportedEngine, withoutTokens } from '@taleback/core';
import {
  type DocumentData,
  FieldValue,
  type Firestore,
  Timestamp,
  type Transaction,
} from 'firebase-admin/firestore';
import {
  createFirestoreCalls,
  type FirestoreOptions,
  type StoreAway,
} from '../stories/firestore-calls.node.ts';
import {
  composeMenu,
  decideWrites,
  type MenuEngine,
  menuEngine,
  REMEMBERED_MS,
  readEngines,
  type WorkerEntry,
} from './menu.ts';

/** Workers whose documents a menu is composed of, those with the latest heartbeat first. */
const MAX_WORKERS = 100;
/** Expired workers that one sweep deletes. */
const MAX_SWEPT = 200;

export type HeartbeatStore = ReturnType<typeof createHeartbeatStore>;

const timestamp = (millis: number | undefined): Timestamp | undefined =>
  millis === undefined ? undefined : Timestamp.fromMillis(Math.floor(millis));

const millisOf = (value: unknown): number => (value instanceof Timestamp ? value.toMillis() : 0);

/** Operators read it, so tokens in the addresses of a reason are redacted. */
const engineFields = ({ reason, name, state, voices, ...reported }: ReportedEngine) => {
  const { retryAtMs, lastFailureAtMs, lastSuccessAtMs, ...engine } = reported;
  const times = {
    retryAt: timestamp(retryAtMs),
    lastFailureAt: timestamp(lastFailureAtMs),
    lastSuccessAt: timestamp(lastSuccessAtMs),
  };
  const fields = present({ ...engine, ...times, reason: reason && withoutTokens(reason) });
  return { ...fields, name, state, voices: voices.map(present) };
};

/** An engine without the counts that change with every story: they alone are no news. */
const newsOf = (engine: ReportedEngine) => ({
  ...engine,
  consecutiveFailures: 0,
  lastFailureType: '',
  lastFailureAtMs: 0,
  lastSuccessAtMs: 0,
});

const readWorker = (workerId: string, fields: DocumentData): WorkerEntry => ({
  workerId,
  digest: String(fields['digest']),
  expiresAtMs: millisOf(fields['expiresAt']),
  engines: readEngines(fields['engines']),
});

const readMenu = (fields: DocumentData | undefined): readonly MenuEngine[] =>
  readEngines(fields?.['engines']).map((engine) => menuEngine(engine, millisOf(engine['expiresAt'])));

const menuFields = (menu: readonly MenuEngine[]) => ({
  engines: menu.map(({ expiresAtMs, ...engine }) => ({
    ...present(engine),
    expiresAt: timestamp(expiresAtMs),
    forgetAt: timestamp(expiresAtMs + REMEMBERED_MS),
  })),
  updatedAt: FieldValue.serverTimestamp(),
});

/**
 * Workers and the menu of their engines in Cloud Firestore. A heartbeat that says the same as before costs one read of
 * two documents, until half of its time is over; its body has at most 256 KB, so no document comes near 1 MiB.
 */
export const createHeartbeatStore = (firestore: Firestore, options: FirestoreOptions) => {
  const { call, transact, names } = createFirestoreCalls(firestore, options);
  const workers = firestore.collection(names.collections.workers);
  const menuRef = firestore.doc(names.documents.voiceMenu);

  /**
   * Writes a worker and the menu. The other workers are read outside of the transaction, so that workers do not wait
   * for each other, but after the menu: a change of theirs that is missed here is written by a later transaction.
   */
  const writeMenu = async (transaction: Transaction, entry: WorkerEntry, fields: object, nowMs: number) => {
    const menu = readMenu((await transaction.get(menuRef)).data());
    const living = workers.where('expiresAt', '>', Timestamp.fromMillis(nowMs));
    const { docs } = await living.orderBy('expiresAt', 'desc').limit(MAX_WORKERS).get();
    const others = docs
      .filter(({ id }) => id !== entry.workerId)
      .map((one) => readWorker(one.id, one.data()));
    transaction.set(menuRef, menuFields(composeMenu(menu, [...others, entry], nowMs)));
    transaction.set(workers.doc(entry.workerId), fields);
  };

  return {
    /**
     * Keeps a heartbeat: the worker's document, then the menu if something in it changes. `isNews`: it says something
     * else than the worker's last one.
     */
    keep: (heartbeat: Heartbeat, nowMs: number): Promise<{ kind: 'kept'; isNews: boolean } | StoreAway> => {
      const { workerId, version, state, capacity, queueDepth, inFlight, startedAtMs } = heartbeat;
      const said = JSON.stringify([version, state, capacity, heartbeat.engines.map(newsOf)]);
      const digest = createHash('sha256').update(said).digest('hex');
      const expiresAtMs = heartbeatEndMs(heartbeat, nowMs);
      const entry = { workerId, digest, expiresAtMs, engines: heartbeat.engines.map(engineFields) };
      const startedAt = timestamp(startedAtMs);
      const fields = {
        ...present({ workerId, version, state, capacity, queueDepth, inFlight, startedAt, digest }),
        engines: entry.engines,
        expiresAt: timestamp(expiresAtMs),
        updatedAt: FieldValue.serverTimestamp(),
      };
      return call(async () => {
        const [workerDocument, menuDocument] = await firestore.getAll(workers.doc(workerId), menuRef);
        const before = workerDocument?.data();
        const known = before && readWorker(workerId, before);
        const due = decideWrites(known, readMenu(menuDocument?.data()), entry, nowMs);
        const kept = { kind: 'kept' as const, isNews: due.isNews };
        if (due.isMenu)
          return transact((transaction) => writeMenu(transaction, entry, fields, nowMs).then(() => kept));
        const isLoadSame = before?.['queueDepth'] === queueDepth && before?.['inFlight'] === inFlight;
        if (due.isWorker || !isLoadSame) await workers.doc(workerId).set(fields);
        return kept;
      });
    },
    /** Deletes the documents of workers whose heartbeat expired. One that returned meanwhile keeps its own. */
    sweep: (nowMs: number) =>
      call(async () => {
        const expired = workers.where('expiresAt', '<=', Timestamp.fromMillis(nowMs));
        const { docs } = await expired.limit(MAX_SWEPT).select().get();
        await Promise.allSettled(
          docs.map(({ ref, updateTime }) => ref.delete({ lastUpdateTime: updateTime })),
        );
        return { kind: 'swept' as const };
      }),
  };
};
