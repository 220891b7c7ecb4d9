import { isRecord, textOf } from '../json.ts';

/** Who may use a voice: everyone, one user, or for the time being no one. */
export type VoiceAccess = 'shared' | 'closed' | { readonly owner: string };

/** A voice of one engine, as a worker reports it. */
export interface ReportedAs {
  /** Empty for a voice that only an operator has named. */
  readonly engine: string;
  readonly voiceId: string;
  readonly name: string;
  /** BCP 47 tags. */
  readonly languages: readonly string[];
  /**
   * Whether it was cloned, or belongs to an account; then it is closed until an operator decides. Undefined from an older
   * worker, which does not say: closed until a newer one does.
   */
  readonly isPrivate: boolean | undefined;
}

/** An entry of the register of voices. */
export interface RegisteredVoice extends ReportedAs {
  readonly access: VoiceAccess;
  /** Whether an operator set the access; no worker changes it then, and no configuration. */
  readonly isDecided: boolean;
}

const encode = (text: string): string =>
  text.replace(/[%/:\0]|^_/g, (one) => `%${one.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`);

/**
 * The document id of a voice in the register: the engine, a colon and the voice's id, with what Firestore does not allow
 * in a document id, or would make two voices one, percent-encoded.
 *
 * @example
 * voiceDocumentId({ engine: 'flite', voiceId: 'a/b' }); // 'flite:a%2Fb'
 */
export const voiceDocumentId = ({ engine, voiceId }: Pick<ReportedAs, 'engine' | 'voiceId'>): string =>
  `${encode(engine)}:${encode(voiceId)}`;

const readAccess = (value: unknown): VoiceAccess => {
  const owner = isRecord(value) ? textOf(value['owner']) : undefined;
  if (owner !== undefined) return { owner };
  return value === 'shared' ? 'shared' : 'closed';
};

/**
 * Reads an entry of the register. An access that makes no sense is closed.
 *
 * @example
 * readVoice({ engine: 'flite', voiceId: 'slt', access: 'anyone' }).access; // 'closed'
 */
export const readVoice = (fields: Readonly<Record<string, unknown>>): RegisteredVoice => {
  const { languages, isPrivate } = fields;
  const voiceId = textOf(fields['voiceId']) ?? '';
  return {
    engine: textOf(fields['engine']) ?? '',
    voiceId,
    name: textOf(fields['name']) ?? voiceId,
    languages: Array.isArray(languages) ? languages.filter((one) => typeof one === 'string') : [],
    isPrivate: typeof isPrivate === 'boolean' ? isPrivate : undefined,
    access: readAccess(fields['access']),
    isDecided: fields['isDecided'] === true,
  };
};

/**
 * The entry of a voice that a worker reports, or undefined if the register has it already. A voice that was once reported
 * as private stays so, and what an operator decided stays as it is.
 *
 * @example
 * const voice = { engine: 'flite', voiceId: 'slt', name: 'Clara', languages: ['en'], isPrivate: false };
 * registerVoice(undefined, voice)?.access; // 'shared'
 */
export const registerVoice = (
  known: RegisteredVoice | undefined,
  reported: ReportedAs,
): RegisteredVoice | undefined => {
  if (known?.isDecided === true) return undefined;
  const isPrivate = known?.isPrivate === true || (reported.isPrivate ?? known?.isPrivate);
  const access = isPrivate === false ? 'shared' : 'closed';
  const next = { ...reported, isPrivate, access, isDecided: false } as const;
  const isSame =
    known !== undefined &&
    known.access === next.access &&
    known.isPrivate === isPrivate &&
    known.name === next.name &&
    known.languages.join() === next.languages.join();
  return isSame ? undefined : next;
};

/**
 * Who may use a voice, by the entries of all engines that have one of its id: as closed as the most closed of them.
 * Undefined when it is neither registered nor listed.
 *
 * @param isListed whether the configuration shares the voice; an operator's decision outranks it
 * @example
 * accessOf([], true); // 'shared'
 */
export const accessOf = (
  entries: readonly Pick<RegisteredVoice, 'access' | 'isDecided'>[],
  isListed: boolean,
): VoiceAccess | undefined => {
  const all = entries.map(({ access, isDecided }) => (isListed && !isDecided ? 'shared' : access));
  const owners = new Set(all.flatMap((access) => (typeof access === 'string' ? [] : [access.owner])));
  if (all.includes('closed') || owners.size > 1) return 'closed';
  const [owner] = owners;
  if (owner !== undefined) return { owner };
  return all.length > 0 || isListed ? 'shared' : undefined;
};

/** Whose story a voice is to read, and who chose it. */
export interface VoiceUse {
  /** The story's user. */
  readonly userId: string;
  /** A voice that is not registered passes only if a server chose it. */
  readonly chosenBy: 'person' | 'server';
  /** Whether the configuration shares the voice. */
  readonly isListed: boolean;
}

/**
 * Whether a voice may read a story of a user.
 *
 * @param entries those of the voice's id, of all engines
 * @example
 * mayUseVoice([], { userId: 'ada', chosenBy: 'person', isListed: false }); // false
 */
export const mayUseVoice = (
  entries: readonly Pick<RegisteredVoice, 'access' | 'isDecided'>[],
  { userId, chosenBy, isListed }: VoiceUse,
): boolean => {
  const access = accessOf(entries, isListed);
  if (access === undefined) return chosenBy === 'server';
  return access === 'shared' || (access !== 'closed' && access.owner === userId);
};
