import { createHash } from 'node:crypto';
import {
  accessOf,
  type Heartbeat,
  present,
  readVoice,
  registerVoice,
  type ReportedAs,
  voiceDocumentId,
} from '@taleback/core';
import { type DocumentSnapshot, FieldValue, type Transaction } from 'firebase-admin/firestore';
import type { FirestoreCalls, StoreAway } from '../stories/firestore-calls.node.ts';
import { isListed, type ListedVoices } from '../stories/admit-voice.ts';

type ReportedEngine = Heartbeat['engines'][number];

/** Whether an older worker, which does not report it, may have private voices in an engine. */
const mayHavePrivateVoices = ({ name, clonesVoices }: ReportedEngine): boolean =>
  clonesVoices || name === 'elevenlabs';

/** The voices of a heartbeat by their document ids. Of two with one id in an engine, a private one counts. */
const voicesIn = (engines: readonly ReportedEngine[]): ReadonlyMap<string, ReportedAs> => {
  const voices = new Map<string, ReportedAs>();
  for (const engine of engines)
    for (const { id: voiceId, name, languages: own, isPrivate: reported } of engine.voices) {
      const isPrivate = reported ?? (mayHavePrivateVoices(engine) ? undefined : false);
      const languages = own.length > 0 ? own : engine.languages;
      const voice = { engine: engine.name, voiceId, name, languages, isPrivate };
      const documentId = voiceDocumentId(voice);
      if (voices.get(documentId)?.isPrivate !== true) voices.set(documentId, voice);
    }
  return voices;
};

/** What is to be written of the voices, by their documents. */
const entriesOf = (documents: readonly DocumentSnapshot[], voices: ReadonlyMap<string, ReportedAs>) =>
  documents.flatMap((document) => {
    const fields = document.data();
    const reported = voices.get(document.id);
    const entry = reported && registerVoice(fields && readVoice(fields), reported);
    return entry === undefined ? [] : [{ ref: document.ref, entry }];
  });

/** The register of voices in Cloud Firestore, as heartbeats write and read it. */
export const createVoiceRegister = (
  { firestore, names, transact }: FirestoreCalls,
  listed: Pick<ListedVoices, 'defaultVoice' | 'sharedVoices'>,
) => {
  const register = firestore.collection(names.collections.voices);

  return {
    /** Equal for heartbeats with the same voices. */
    digestOf: (engines: readonly ReportedEngine[]): string =>
      createHash('sha256')
        .update(JSON.stringify([...voicesIn(engines)]))
        .digest('hex'),
    /** Registers the voices that are new or reported in another way. Without any, it locks nothing. */
    add: async (engines: readonly ReportedEngine[]): Promise<StoreAway | undefined> => {
      const voices = voicesIn(engines);
      const refs = [...voices.keys()].map((id) => register.doc(id));
      if (refs.length === 0 || entriesOf(await firestore.getAll(...refs), voices).length === 0)
        return undefined;
      return transact(async (transaction) => {
        for (const { ref, entry } of entriesOf(await transaction.getAll(...refs), voices))
          transaction.set(ref, { ...present(entry), updatedAt: FieldValue.serverTimestamp() });
        return undefined;
      });
    },
    /** The ids of voices that are not for everyone, in whatever engine. */
    readHidden: async (transaction: Transaction): Promise<ReadonlySet<unknown>> => {
      const { docs } = await transaction.get(register.where('access', '!=', 'shared'));
      const entries = docs.map((document) => readVoice(document.data()));
      const hidden = entries.filter(
        (entry) => accessOf([entry], isListed(entry.voiceId, listed)) !== 'shared',
      );
      return new Set(hidden.map(({ voiceId }) => voiceId));
    },
  };
};
