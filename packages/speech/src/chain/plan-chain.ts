import { TalebackError } from '@taleback/core';
import { firstVoice, type SpeechProfile, speaksLanguage, type Voice } from '../engines/index.ts';
import type { Narrate } from '../manager/narrate.ts';
import type { NarrationRequest } from '../manager/plan-narration.ts';
import { voicesFor } from './voices-for.ts';

/** One engine of the chain, as far as the choice needs it. */
export interface ChainMember {
  readonly profile: Pick<SpeechProfile, 'name' | 'languages' | 'voices' | 'clonesVoices'>;
  /** Whether it could have voices that nobody knows yet, because its service has not answered. */
  readonly mayHaveMoreVoices: () => boolean;
}

/** One engine of the chain. */
export interface ChainEngine extends ChainMember {
  readonly narrate: Narrate;
}

/** An engine to try, and its voices in order; undefined is the engine's own choice. */
export interface ChainStep<Member extends ChainMember> {
  readonly engine: Member;
  readonly voices: readonly (string | undefined)[];
}

const MOST_NAMED = 40;

/**
 * Who is to speak a request, in order. The engine that has the wished voice comes first, the others follow in the order
 * of the chain with the voices nearest to it. A person's own voice, from a recording or cloned at the service, is spoken by
 * engines that can, and by nobody else unless the request allows it.
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
  if (profile !== undefined) {
    const cloning = able.filter((engine) => engine.profile.clonesVoices === true);
    const own = cloning.map((engine) => ({ engine, voices: [voiceId] }));
    const others = able.filter(
      (engine) => engine.profile.clonesVoices !== true && !hasOnlyOwnVoices(engine, language),
    );
    const steps = allowsOtherVoice
      ? [...own, ...others.map((engine) => strangers(engine, request, mostVoices))]
      : own;
    if (steps.length > 0) return steps;
    throw new TalebackError('voice_not_found', 'The voice of a recording cannot be spoken here.', {
      details: `none of ${namesOf(able)} clones voices`,
    });
  }
  if (voiceId === undefined) return able.map((engine) => anyOf(engine, request, mostVoices));
  const owners = engines.filter((engine) => voiceOf(engine, voiceId) !== undefined);
  if (owners.length === 0)
    throw mayBe(engines, `who the voice "${voiceId.slice(0, 100)}" is`) ?? noVoice(able, voiceId);
  const speaking = owners.filter((engine) =>
    speaksLanguage(voiceOf(engine, voiceId)?.languages ?? [], language),
  );
  if (speaking.length === 0) throw otherLanguage(owners, voiceId, language);
  const isCloned = speaking.some((engine) => voiceOf(engine, voiceId)?.isCloned === true);
  if (isCloned && !allowsOtherVoice) return speaking.map((engine) => ({ engine, voices: [voiceId] }));
  const others = able.filter((engine) => !speaking.includes(engine) && !hasOnlyOwnVoices(engine, language));
  return [
    ...speaking.map((engine) => anyOf(engine, request, mostVoices)),
    ...others.map((engine) => strangers(engine, request, mostVoices)),
  ];
};

/** Whether every voice that speaks the language is a certain person's: none is a substitute. */
const hasOnlyOwnVoices = ({ profile }: ChainMember, language: string): boolean =>
  firstVoice(profile.voices(), language)?.isCloned === true;

const voiceOf = ({ profile }: ChainMember, voiceId: string): Voice | undefined =>
  profile.voices().find(({ id }) => id === voiceId);

const anyOf = <Member extends ChainMember>(
  engine: Member,
  request: NarrationRequest,
  mostVoices: number,
): ChainStep<Member> => ({
  engine,
  voices: voicesFor(engine.profile, mostVoices)(request),
});

/** Voices of an engine that does not have the wished one. */
const strangers = <Member extends ChainMember>(
  engine: Member,
  request: NarrationRequest,
  mostVoices: number,
): ChainStep<Member> => anyOf(engine, { ...request, voiceId: undefined }, mostVoices);

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

/** An engine that cannot be reached might have what nobody else has: this is no last word. */
const mayBe = (engines: readonly ChainMember[], what: string): TalebackError | undefined => {
  const unknown = engines.filter((engine) => engine.mayHaveMoreVoices());
  if (unknown.length === 0) return undefined;
  return new TalebackError('model_unavailable', `Nobody here can tell yet ${what}.`, {
    details: `${namesOf(unknown)} cannot be reached, and could`,
  });
};

const noVoice = (engines: readonly ChainMember[], voiceId: string): TalebackError => {
  const voices = engines.map(({ profile }) => {
    const ids = profile.voices().map(({ id }) => id);
    const more = ids.length > MOST_NAMED ? ` and ${ids.length - MOST_NAMED} more` : '';
    return `${profile.name} has ${ids.slice(0, MOST_NAMED).join(', ')}${more}`;
  });
  return new TalebackError('voice_not_found', `There is no voice "${voiceId.slice(0, 100)}".`, {
    details: voices.join('; '),
  });
};
