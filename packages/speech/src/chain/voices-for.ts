import { firstVoice, type SpeechProfile, speaksLanguage, type Voice } from '../engines/index.ts';
import type { NarrationRequest } from '../manager/plan-narration.ts';

/**
 * The wished voice of an engine, or its own choice, and after it others that speak the language: of the same gender first,
 * and nobody's own.
 *
 * @param mostVoices how many are tried in all, at least 1
 */
export const voicesFor =
  (profile: Pick<SpeechProfile, 'voices'>, mostVoices: number) =>
  ({ voiceId, language }: NarrationRequest): readonly (string | undefined)[] => {
    const able = profile.voices().filter(({ languages }) => speaksLanguage(languages, language));
    const wished =
      voiceId === undefined ? firstVoice(able, language) : profile.voices().find(({ id }) => id === voiceId);
    const others = able.filter(({ id, isCloned = false }) => id !== wished?.id && !isCloned);
    const nearest = others.toSorted((a, b) => distance(a, wished) - distance(b, wished));
    return [voiceId, ...nearest.map(({ id }) => id)].slice(0, mostVoices);
  };

const distance = (voice: Voice, wished: Voice | undefined): number =>
  voice.gender === wished?.gender ? 0 : 1;
