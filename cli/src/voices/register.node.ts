import {
  accessOf,
  isRecord,
  present,
  type RegisteredVoice,
  readVoice,
  type VoiceAccess,
  voiceDocumentId,
} from '@taleback/core';
import { Firestore } from '@google-cloud/firestore';
import { CommandFailed, UsageError } from '../exit-code.ts';
import { readConfig } from '../options.node.ts';
import { terminal } from '../terminal.ts';

/** Of a voice id, as in the register. */
const MAX_ID_CHARACTERS = 200;

export interface VoiceFlags {
  readonly engine?: string | undefined;
}

type Names = Awaited<ReturnType<typeof readConfig>>['config']['names'];

const withFirestore = async <T>(work: (firestore: Firestore, names: Names) => Promise<T>): Promise<T> => {
  const { config } = await readConfig();
  const firestore = new Firestore();
  try {
    return await work(firestore, config.names);
  } finally {
    await firestore.terminate();
  }
};

const wordsOf = (access: VoiceAccess): string =>
  typeof access === 'string' ? access : `user ${access.owner}`;

/** Prints the register. */
export const listVoices = ({ json }: { readonly json: boolean }): Promise<void> =>
  withFirestore(async (firestore, { collections }) => {
    const { docs } = await firestore.collection(collections.voices).orderBy('voiceId').get();
    const voices = docs.map((document) => readVoice(document.data()));
    if (json) return terminal.out(JSON.stringify(voices, null, 2));
    if (voices.length === 0) return terminal.out('No worker has reported a voice yet.');
    for (const { engine, voiceId, name, access, isDecided } of voices) {
      const by = isDecided ? ' (decided)' : '';
      terminal.out(
        `${engine.padEnd(20)}  ${voiceId.padEnd(24)}  ${name.padEnd(24)}  ${wordsOf(access)}${by}`,
      );
    }
  });

/** Writes a decision; resolves with all entries of the id. */
const decideAccess = (
  firestore: Firestore,
  { collections }: Names,
  { voiceId, access, engine }: VoiceFlags & { readonly voiceId: string; readonly access: VoiceAccess },
): Promise<readonly RegisteredVoice[]> =>
  firestore.runTransaction(async (transaction) => {
    const register = firestore.collection(collections.voices);
    const { docs } = await transaction.get(register.where('voiceId', '==', voiceId));
    const known = docs.map((document) => readVoice(document.data()));
    const meant = known.filter((entry) => engine === undefined || entry.engine === engine);
    const unknown = { engine: engine ?? '', voiceId, name: voiceId, languages: [], isPrivate: undefined };
    const decided = (meant.length > 0 ? meant : [unknown]).map(
      (entry): RegisteredVoice => ({ ...entry, access, isDecided: true }),
    );
    for (const entry of decided)
      transaction.set(register.doc(voiceDocumentId(entry)), { ...present(entry), updatedAt: new Date() });
    return [...known.filter((entry) => !meant.includes(entry)), ...decided];
  });

/** The voices of an engine in the menu, with a voice of this id only if all may use it. */
const menuVoices = (
  { name, voices }: Readonly<Record<string, unknown>>,
  entries: readonly RegisteredVoice[],
): readonly unknown[] => {
  const shown = Array.isArray(voices) ? voices.filter(isRecord) : [];
  const others = shown.filter(({ id }) => entries.every(({ voiceId }) => voiceId !== id));
  const own = entries.find(({ engine }) => engine === name);
  if (own === undefined || accessOf(entries, false) !== 'shared') return others;
  const { voiceId: id, name: words, languages } = own;
  return [...others, shown.find((voice) => voice['id'] === id) ?? { id, name: words, languages }];
};

/** At once, because the workers that write the menu may sleep. */
const writeMenu = (firestore: Firestore, { documents }: Names, entries: readonly RegisteredVoice[]) =>
  firestore.runTransaction(async (transaction) => {
    const menu = firestore.doc(documents.voiceMenu);
    const engines: unknown = (await transaction.get(menu)).get('engines');
    if (!Array.isArray(engines)) return;
    const next = engines
      .filter(isRecord)
      .map((engine) => ({ ...engine, voices: menuVoices(engine, entries) }));
    transaction.update(menu, { engines: next });
  });

/** Writes what an operator decided about a voice, and prints what holds now. */
export const setAccess = async (
  voiceId: string,
  access: VoiceAccess,
  { engine }: VoiceFlags,
): Promise<void> => {
  if (voiceId === '' || voiceId.length > MAX_ID_CHARACTERS)
    throw new UsageError(`<id> must have 1 to ${MAX_ID_CHARACTERS} characters`);
  await withFirestore(async (firestore, names) => {
    const entries = await decideAccess(firestore, names, { voiceId, access, engine });
    const now = wordsOf(accessOf(entries, false) ?? 'closed');
    for (const entry of entries)
      terminal.out(`${entry.engine || '(no engine)'}  ${voiceId}  ${wordsOf(entry.access)}`);
    if (entries.length > 1) terminal.out(`Together: ${now}, as the most closed of them.`);
    if (entries.every((entry) => entry.engine === ''))
      terminal.out('No worker has reported this voice; decide again if an engine gets one of this id.');
    await writeMenu(firestore, names, entries).catch((error: Error) => {
      throw new CommandFailed(
        `This is decided, but the menu of the page could not be written: ${error.message}`,
        ['The workers write it within three minutes; the decision holds already.'],
      );
    });
  });
};
