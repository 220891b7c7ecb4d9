import { createHash } from 'node:crypto';
import { type Heartbeat, heartbeatEndMs, type ReportedEngine, withoutTokens } from '@taleback/core';
import {
  type DocumentData,
  FieldValue,
  type Firestore,
  Timestamp,
  type Transaction,
} from 'firebase-admin/firestore';
import { createFirestoreCalls, type FirestoreOptions } from '../stories/firestore-calls.node.ts';
import type { StoreAway } from '../stories/story-store.ts';
import {
  composeMenu,
  decideWrites,
  type MenuEngine,
  REMEMBERED_MS,
  readEngines,
  type WorkerEntry,
} from './menu.ts';
import type { KeepOutcome } from './receive-heartbeat.ts';

/** Workers whose documents a menu is composed of, those with the latest heartbeat first. */
const MAX_WORKERS = 100;
/** Expired workers that one sweep deletes. */
const MAX_SWEPT = 200;

export interface HeartbeatStore {
  /** Keeps a heartbeat: the worker's document, then the menu if something in it changes. */
  readonly keep: (heartbeat: Heartbeat, nowMs: number) => Promise<KeepOutcome>;
  /** Deletes the documents of workers whose heartbeat expired. One that returned meanwhile keeps its own. */
  readonly sweep: (nowMs: number) => Promise<{ readonly kind: 'swept' } | StoreAway>;
}

type Fields = Record<string, unknown>;

/** An absent value is an absent field, never null. */
const present = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

const timestamp = (millis: number | undefined): Timestamp | undefined =>
  millis === undefined ? undefined : Timestamp.fromMillis(Math.floor(millis));

const millisOf = (value: unknown): number => (value instanceof Timestamp ? value.toMillis() : 0);

/** Operators read it, so tokens in the addresses of a reason are redacted. */
const engineFields = ({ retryAtMs, reason, voices, ...engine }: ReportedEngine) => ({
  ...present({ ...engine, reason: reason && withoutTokens(reason), retryAt: timestamp(retryAtMs) }),
  name: engine.name,
  state: engine.state,
  voices: voices.map((voice) => present({ ...voice })),
});

const digestOf = ({ version, state, capacity, engines }: Heartbeat): string =>
  createHash('sha256')
    .update(JSON.stringify([version, state, capacity, engines]))
    .digest('hex');

const readWorker = (workerId: string, fields: DocumentData): WorkerEntry => ({
  workerId,
  digest: String(fields['digest']),
  expiresAtMs: millisOf(fields['expiresAt']),
  engines: readEngines(fields['engines']),
});

const readMenu = (fields: DocumentData | undefined): readonly MenuEngine[] =>
  readEngines(fields?.['engines']).map(({ name, state, languages, clonesVoices, voices, expiresAt }) => ({
    name,
    state,
    abilities: { languages, clonesVoices, voices },
    expiresAtMs: millisOf(expiresAt),
  }));

const menuFields = (menu: readonly MenuEngine[]): Fields => ({
  engines: menu.map(({ name, state, abilities, expiresAtMs }) => ({
    name,
    state,
    ...present(abilities),
    expiresAt: timestamp(expiresAtMs),
    forgetAt: timestamp(expiresAtMs + REMEMBERED_MS),
  })),
  updatedAt: FieldValue.serverTimestamp(),
});

/**
 * Workers and the menu of their engines in Cloud Firestore. A heartbeat that says the same as before costs one read of
 * two documents, until half of its time is over; its body has at most 256 KB, so no document comes near 1 MiB.
 */
export const createHeartbeatStore = (firestore: Firestore, options: FirestoreOptions): HeartbeatStore => {
  const { call, transact, names } = createFirestoreCalls(firestore, options);
  const { collections, documents } = names;
  const workers = firestore.collection(collections.workers);
  const menuRef = firestore.doc(documents.voiceMenu);

  /**
   * Writes a worker and the menu. The other workers are read outside of the transaction, so that workers do not wait
   * for each other, but after the menu: a change of theirs that is missed here is written by a later transaction.
   */
  const writeMenu = async (transaction: Transaction, entry: WorkerEntry, fields: Fields, nowMs: number) => {
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
    keep: (heartbeat, nowMs) => {
      const { workerId, version, state, capacity, queueDepth, inFlight, startedAtMs } = heartbeat;
      const entry: WorkerEntry = {
        workerId,
        digest: digestOf(heartbeat),
        engines: heartbeat.engines.map(engineFields),
        expiresAtMs: heartbeatEndMs(heartbeat, nowMs),
      };
      const fields = {
        ...present({ workerId, version, state, capacity, queueDepth, inFlight }),
        ...present({ startedAt: timestamp(startedAtMs), digest: entry.digest, engines: entry.engines }),
        expiresAt: timestamp(entry.expiresAtMs),
        updatedAt: FieldValue.serverTimestamp(),
      };
      const workerRef = workers.doc(workerId);
      return call(async (): Promise<KeepOutcome> => {
        const [workerDocument, menuDocument] = await firestore.getAll(workerRef, menuRef);
        const before = workerDocument?.data();
        const known = before && readWorker(workerId, before);
        const due = decideWrites(known, readMenu(menuDocument?.data()), entry, nowMs);
        const isLoadSame = before?.['queueDepth'] === queueDepth && before?.['inFlight'] === inFlight;
        const kept: KeepOutcome = { kind: 'kept', isNews: due.isNews };
        if (due.isMenu)
          return transact((transaction) => writeMenu(transaction, entry, fields, nowMs).then(() => kept));
        if (due.isWorker || !isLoadSame) await workerRef.set(fields);
        return kept;
      });
    },
    sweep: (nowMs) =>
      call(async () => {
        const expired = workers.where('expiresAt', '<=', Timestamp.fromMillis(nowMs));
        const { docs } = await expired.limit(MAX_SWEPT).select().get();
        await Promise.allSettled(
          docs.map(({ ref, updateTime }) => ref.delete({ lastUpdateTime: updateTime })),
        );
        return { kind: 'swept' };
      }),
  };
};
