import { describeError, type ErrorCategory, type ErrorCode, TalebackError } from '@taleback/core';
import { firstVoice, speaksLanguage, type SpeechProfile, type Voice } from '../engines/engine.ts';
import type { NarrationRequest } from './plan-narration.ts';

/** One engine of the chain, as far as the choice needs it. */
export interface ChainMember {
  readonly profile: Pick<SpeechProfile, 'name' | 'languages' | 'voices' | 'clonesVoices'>;
  /** Whether it may have voices that are not known yet, because its service has not answered. */
  readonly mayHaveMoreVoices: () => boolean;
}

/** An engine to try, and its voices in order; undefined is the engine's own choice. */
export interface ChainStep<Member extends ChainMember> {
  readonly engine: Member;
  readonly voices: readonly (string | undefined)[];
}

/**
 * The engines and voices for a request, in order. The engine that has the requested voice comes first, the others follow in
 * the order of the chain with the most similar voices. A person's own voice, from a recording or cloned at the service, is
 * spoken only by engines that have it, unless the request allows another.
 *
 * @param mostVoices of one engine, at least 1
 * @throws TalebackError `language_unsupported`, `voice_not_found`, `voice_language_mismatch`; `model_unavailable` when an
 * engine that cannot be reached might have the voice
 */
export const planChain = <Member extends ChainMember>(
  engines: readonly Member[],
  request: NarrationRequest,
  mostVoices: number,
): readonly ChainStep<Member>[] => {
  const { language, profile, voiceId, allowsOtherVoice = false } = request;
  const able = engines.filter(({ profile: { languages } }) => speaksLanguage(languages, language));
  if (able.length === 0)
    throw mayBe(engines, `who speaks "${language.slice(0, 40)}"`) ?? noLanguage(engines, language);
  const only = (engine: Member): ChainStep<Member> => ({ engine, voices: [voiceId] });
  const nearest = (engine: Member, wanted: string | undefined): ChainStep<Member> => ({
    engine,
    voices: voicesFor(engine.profile, mostVoices, { language, voiceId: wanted }),
  });
  /** Of the other engines, except one whose voices that speak the language all belong to people. */
  const substitutes = (owners: readonly Member[]): ChainStep<Member>[] =>
    able
      .filter((engine) => !owners.includes(engine))
      .filter((engine) => firstVoice(engine.profile.voices(), language)?.isCloned !== true)
      .map((engine) => nearest(engine, undefined));
  if (profile !== undefined) {
    const cloning = able.filter((engine) => engine.profile.clonesVoices === true);
    const steps = [...cloning.map(only), ...(allowsOtherVoice ? substitutes(cloning) : [])];
    if (steps.length > 0) return steps;
    throw new TalebackError('voice_not_found', 'The voice of a recording cannot be spoken here.', {
      details: `none of ${namesOf(able)} clones voices`,
    });
  }
  if (voiceId === undefined) return able.map((engine) => nearest(engine, undefined));
  const owners = engines.filter((engine) => voiceOf(engine, voiceId) !== undefined);
  if (owners.length === 0)
    throw mayBe(engines, `who the voice "${voiceId.slice(0, 100)}" is`) ?? noVoice(able, voiceId);
  const speaking = owners.filter((engine) =>
    speaksLanguage(voiceOf(engine, voiceId)?.languages ?? [], language),
  );
  if (speaking.length === 0) throw otherLanguage(owners, voiceId, language);
  const isCloned = speaking.some((engine) => voiceOf(engine, voiceId)?.isCloned === true);
  if (isCloned && !allowsOtherVoice) return speaking.map(only);
  return [...speaking.map((engine) => nearest(engine, voiceId)), ...substitutes(speaking)];
};

const voiceOf = ({ profile }: ChainMember, voiceId: string): Voice | undefined =>
  profile.voices().find(({ id }) => id === voiceId);

const namesOf = (engines: readonly ChainMember[]): string =>
  engines.map(({ profile }) => profile.name).join(', ');

const noLanguage = (engines: readonly ChainMember[], language: string): TalebackError =>
  new TalebackError('language_unsupported', `The language "${language.slice(0, 40)}" is not supported.`, {
    details: engines
      .map(({ profile }) => `${profile.name} speaks ${profile.languages.join(', ')}`)
      .join('; '),
  });

const otherLanguage = (owners: readonly ChainMember[], voiceId: string, language: string): TalebackError =>
  new TalebackError('voice_language_mismatch', `The voice does not speak "${language.slice(0, 40)}".`, {
    details: `voice ${voiceId} speaks ${owners.flatMap((engine) => voiceOf(engine, voiceId)?.languages ?? []).join(', ')}`,
  });

/** An engine that cannot be reached may have what the others lack: the request can be tried again. */
const mayBe = (engines: readonly ChainMember[], what: string): TalebackError | undefined => {
  const unknown = engines.filter((engine) => engine.mayHaveMoreVoices());
  if (unknown.length === 0) return undefined;
  return new TalebackError('model_unavailable', `It is not known yet ${what}.`, {
    details: `${namesOf(unknown)} cannot be reached, and could`,
  });
};

/** Voices named in an error. */
const MAX_NAMED = 40;

const noVoice = (engines: readonly ChainMember[], voiceId: string): TalebackError => {
  const voices = engines.map(({ profile }) => {
    const ids = profile.voices().map(({ id }) => id);
    const more = ids.length > MAX_NAMED ? ` and ${ids.length - MAX_NAMED} more` : '';
    return `${profile.name} has ${ids.slice(0, MAX_NAMED).join(', ')}${more}`;
  });
  return new TalebackError('voice_not_found', `There is no voice "${voiceId.slice(0, 100)}".`, {
    details: voices.join('; '),
  });
};

/**
 * The requested voice of an engine, or its own choice, and then others that speak the language: of the same gender first, and
 * no person's own.
 *
 * @param mostVoices how many are tried in all, at least 1
 */
export const voicesFor = (
  { voices }: Pick<SpeechProfile, 'voices'>,
  mostVoices: number,
  { voiceId, language }: Pick<NarrationRequest, 'voiceId' | 'language'>,
): readonly (string | undefined)[] => {
  const all = voices();
  const able = all.filter(({ languages }) => speaksLanguage(languages, language));
  const requested = voiceId === undefined ? firstVoice(able, language) : all.find(({ id }) => id === voiceId);
  const distance = (voice: Voice): number => (voice.gender === requested?.gender ? 0 : 1);
  const others = able
    .filter(({ id, isCloned = false }) => id !== requested?.id && !isCloned)
    .toSorted((a, b) => distance(a) - distance(b));
  return [voiceId, ...others.map(({ id }) => id)].slice(0, mostVoices);
};

/** Where a failed narration may be tried again. */
export type Elsewhere =
  /** Another voice of the same engine may do better. */
  | 'next-voice'
  /** This engine is in trouble, whatever the voice. */
  | 'next-engine'
  | 'nowhere';

const BY_CATEGORY: Readonly<Record<ErrorCategory, Elsewhere>> = {
  // Seed 002: the next voice is tried after NoAudioReceived.
  model: 'next-voice',
  provider: 'next-engine',
  network: 'next-engine',
  timeout: 'next-engine',
  resource: 'next-engine',
  auth: 'next-engine',
  internal: 'next-engine',
  // An invalid story stays invalid, and a missing voice is for its person to replace.
  input: 'nowhere',
  voice: 'nowhere',
  // The audio was made: another voice would not be stored either.
  storage: 'nowhere',
  protection: 'nowhere',
};

const BY_CODE: Readonly<Partial<Record<ErrorCode, Elsewhere>>> = {
  model_unavailable: 'next-engine',
  model_loading_failed: 'next-engine',
  circuit_open: 'next-engine',
  queue_full: 'next-engine',
  // Engines accept recordings in different formats.
  voice_profile_format_invalid: 'next-engine',
  job_cancelled: 'nowhere',
};

export const whereElse = (code: ErrorCode): Elsewhere =>
  BY_CODE[code] ?? BY_CATEGORY[describeError(code).category];
