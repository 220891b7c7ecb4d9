import { createHash } from 'node:crypto';
import {
  type Heartbeat,
  heartbeatEndMs,
  isRecord,
  present,
  type ReportedEngine,
  withoutTokens,
} from '@taleback/core';
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
import type { ListedVoices } from '../stories/admit-voice.ts';
import {
  composeMenu,
  decideWrites,
  type MenuEngine,
  menuEngine,
  REMEMBERED_MS,
  readEngines,
  type WorkerEntry,
} from './menu.ts';
import { createVoiceRegister } from './voice-register.node.ts';

/** Workers whose documents a menu is composed of, those with the latest heartbeat first. */
const MAX_WORKERS = 100;
/** The menu's share of the time of a heartbeat: a reader may have locked it, and the worker's document must be kept. */
const MENU_SHARE = 0.5;
/** Expired workers that one sweep deletes. */
const MAX_SWEPT = 200;

export interface HeartbeatKept {
  readonly kind: 'kept';
  /** It says something else than the worker's last one. */
  readonly isNews: boolean;
  /** Why the menu could not be written. */
  readonly menuFault?: string | undefined;
}

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

/** A menu from before there was a register may contain voices that are not for everyone. */
const readMenu = (fields: DocumentData | undefined): readonly MenuEngine[] =>
  fields?.['isOfRegister'] === true
    ? readEngines(fields['engines']).map((engine) => menuEngine(engine, millisOf(engine['expiresAt'])))
    : [];

const menuVoices = (voices: unknown, hidden: ReadonlySet<unknown>): readonly unknown[] =>
  (Array.isArray(voices) ? voices.filter(isRecord) : []).flatMap(({ isPrivate: _isPrivate, ...voice }) =>
    hidden.has(voice['id']) ? [] : [voice],
  );

const menuFields = (menu: readonly MenuEngine[], hidden: ReadonlySet<unknown>) => ({
  isOfRegister: true,
  engines: menu.map(({ expiresAtMs, ...engine }) => ({
    ...present(engine),
    voices: menuVoices(engine['voices'], hidden),
    expiresAt: timestamp(expiresAtMs),
    forgetAt: timestamp(expiresAtMs + REMEMBERED_MS),
  })),
  updatedAt: FieldValue.serverTimestamp(),
});

/**
 * Workers, their voices and the menu of their engines in Cloud Firestore. A heartbeat that says the same as before costs
 * one read of two documents, until half of its time is over; its body has at most 256 KB, so no document comes near 1 MiB.
 */
export const createHeartbeatStore = (
  firestore: Firestore,
  { defaultVoice = '', sharedVoices = [], ...options }: FirestoreOptions & Partial<ListedVoices>,
) => {
  const calls = createFirestoreCalls(firestore, options);
  const { transact } = createFirestoreCalls(firestore, {
    ...options,
    timeoutMs: options.timeoutMs * MENU_SHARE,
  });
  const { call, names } = calls;
  const register = createVoiceRegister(calls, { defaultVoice, sharedVoices });
  const workers = firestore.collection(names.collections.workers);
  const menuRef = firestore.doc(names.documents.voiceMenu);

  /**
   * Writes the menu. The workers are read outside of the transaction, so that they do not wait for each other, but after
   * the menu: a change of theirs that is missed here is written by a later transaction.
   */
  const writeMenu = async (transaction: Transaction, entry: WorkerEntry, nowMs: number) => {
    const menu = readMenu((await transaction.get(menuRef)).data());
    const living = workers.where('expiresAt', '>', Timestamp.fromMillis(nowMs));
    const { docs } = await living.orderBy('expiresAt', 'desc').limit(MAX_WORKERS).get();
    // The voices of workers from before there was a register are registered with their next heartbeat.
    const others = docs
      .filter((one) => one.id !== entry.workerId && one.get('voicesDigest') !== undefined)
      .map((one) => readWorker(one.id, one.data()));
    const hidden = await register.readHidden(transaction);
    transaction.set(menuRef, menuFields(composeMenu(menu, [...others, entry], nowMs), hidden));
  };

  return {
    /**
     * Keeps a heartbeat: its voices in the register, then the worker's document, and the menu if something in it changes.
     */
    keep: (heartbeat: Heartbeat, nowMs: number): Promise<HeartbeatKept | StoreAway> => {
      const { workerId, version, state, capacity, queueDepth, inFlight, startedAtMs } = heartbeat;
      const said = JSON.stringify([version, state, capacity, heartbeat.engines.map(newsOf)]);
      const digest = createHash('sha256').update(said).digest('hex');
      const expiresAtMs = heartbeatEndMs(heartbeat, nowMs);
      const voicesDigest = register.digestOf(heartbeat.engines);
      const entry = { workerId, digest, expiresAtMs, engines: heartbeat.engines.map(engineFields) };
      const startedAt = timestamp(startedAtMs);
      const fields = {
        ...present({
          workerId,
          version,
          state,
          capacity,
          queueDepth,
          inFlight,
          startedAt,
          digest,
          voicesDigest,
        }),
        engines: entry.engines,
        expiresAt: timestamp(expiresAtMs),
        updatedAt: FieldValue.serverTimestamp(),
      };
      return call(async () => {
        const [workerDocument, menuDocument] = await firestore.getAll(workers.doc(workerId), menuRef);
        const before = workerDocument?.data();
        const known = before && readWorker(workerId, before);
        const hasVoices = before?.['voicesDigest'] === voicesDigest;
        const away = hasVoices ? undefined : await register.add(heartbeat.engines);
        if (away !== undefined) return away;
        const due = decideWrites(known, readMenu(menuDocument?.data()), entry, nowMs);
        const isMenu = due.isMenu || !hasVoices;
        const isLoadSame = before?.['queueDepth'] === queueDepth && before?.['inFlight'] === inFlight;
        if (isMenu || due.isWorker || !isLoadSame) await workers.doc(workerId).set(fields);
        const menuAway = isMenu
          ? await transact((transaction) => writeMenu(transaction, entry, nowMs))
          : undefined;
        // The next heartbeat is news again then, and tries the menu.
        if (menuAway !== undefined) await workers.doc(workerId).update({ digest: FieldValue.delete() });
        return { kind: 'kept' as const, isNews: due.isNews, menuFault: menuAway?.cause };
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
