import {
  createNames,
  type EngineRecord,
  type EnginesReport,
  type ReportedEngine,
  type ReportedVoice,
  readEngineRecord,
  withoutTokens,
} from '@taleback/core';
import { FieldValue, type Firestore, Timestamp } from 'firebase-admin/firestore';
import type { EngineStore, KeepOutcome } from '../engines/index.ts';
import { createFirestoreCalls } from './firestore-calls.ts';

const { workers: WORKERS, engines: ENGINES } = createNames().collections;

/** How long the page offers the voices of an engine that nobody tells of: workers that scale to zero sleep for days. */
const REMEMBERED_MS = 30 * 24 * 60 * 60_000;

type Fields = Record<string, unknown>;

/** What is not known is absent, never null. */
const known = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

const timestamp = (millis: number | undefined): Timestamp | undefined =>
  millis === undefined ? undefined : Timestamp.fromMillis(Math.floor(millis));

const voiceFields = (voice: ReportedVoice): Fields => known({ ...voice });

type Health = Pick<ReportedEngine, 'state' | 'reason' | 'errorCode' | 'breaker' | 'retryAtMs'>;

const healthFields = ({ state, reason, errorCode, breaker, retryAtMs }: Health): Fields => ({
  state,
  reason,
  errorCode,
  breaker,
  retryAt: timestamp(retryAtMs),
});

const abilityFields = ({ languages, clonesVoices, voices }: ReportedEngine | EngineRecord): Fields => ({
  languages,
  clonesVoices,
  voices: voices.map(voiceFields),
});

const engineFields = (record: EngineRecord): Fields =>
  known({
    name: record.name,
    ...healthFields(record),
    ...abilityFields(record),
    workerId: record.workerId,
    expiresAt: timestamp(record.expiresAtMs),
    forgetAt: timestamp(record.expiresAtMs + REMEMBERED_MS),
    tellers: Object.fromEntries(
      record.tellers.map((teller) => [
        teller.workerId,
        known({ ...healthFields(teller), expiresAt: timestamp(teller.expiresAtMs) }),
      ]),
    ),
    updatedAt: FieldValue.serverTimestamp(),
  });

const workerFields = (report: EnginesReport, expiresAtMs: number): Fields =>
  known({
    workerId: report.workerId,
    state: report.state,
    queueDepth: report.queueDepth,
    inFlight: report.inFlight,
    startedAt: timestamp(report.startedAtMs),
    engines: report.engines.map((engine) =>
      known({ name: engine.name, ...healthFields(engine), ...abilityFields(engine) }),
    ),
    expiresAt: timestamp(expiresAtMs),
    updatedAt: FieldValue.serverTimestamp(),
  });

/** People read these documents, so a token in an address is nothing for them. */
const withoutSecrets = (report: EnginesReport): EnginesReport => ({
  ...report,
  engines: report.engines.map((engine) => ({
    ...engine,
    reason: engine.reason === undefined ? undefined : withoutTokens(engine.reason),
  })),
});

/**
 * Workers and engines in Cloud Firestore. A report costs one read call and one commit; what it holds comes in a body of
 * at most 256 KB, so no document comes near Firestore's 1 MiB.
 */
export const createFirestoreEngines = (
  firestore: Firestore,
  options: { readonly timeoutMs: number },
): EngineStore => {
  const { transact } = createFirestoreCalls(firestore, options);
  const workers = firestore.collection(WORKERS);
  const engines = firestore.collection(ENGINES);
  return {
    keep: (told, expiresAtMs, decide) => {
      const report = withoutSecrets(told);
      return transact(async (transaction): Promise<KeepOutcome> => {
        const references = report.engines.map(({ name }) => engines.doc(name));
        const documents = references.length === 0 ? [] : await transaction.getAll(...references);
        const changed: string[] = [];
        for (const [index, engine] of report.engines.entries()) {
          const fields = documents[index]?.data();
          const before = fields === undefined ? undefined : readEngineRecord(engine.name, fields);
          const decision = decide(before, engine);
          if (decision.kind === 'unchanged') continue;
          changed.push(engine.name);
          transaction.set(engines.doc(engine.name), engineFields(decision.record));
        }
        transaction.set(workers.doc(report.workerId), workerFields(report, expiresAtMs));
        return { kind: 'kept', changed };
      });
    },
  };
};
