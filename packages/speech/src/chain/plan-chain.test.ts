import { describe, expect, it } from 'vitest';
import type { Voice, VoiceProfile } from '../engines/engine.ts';
import type { NarrationRequest } from './plan-narration.ts';
import { type ChainMember, planChain } from './plan-chain.ts';

const voice = (id: string, gender: 'female' | 'male', ...languages: string[]): Voice => ({
  id,
  name: id,
  languages,
  gender,
});

interface Traits {
  readonly clones?: boolean;
  readonly isAway?: boolean;
}

const engine = (
  name: string,
  voices: readonly Voice[],
  { clones, isAway = false }: Traits = {},
): ChainMember => ({
  profile: {
    name,
    languages: [...new Set(voices.flatMap(({ languages }) => languages))],
    voices: () => voices,
    clonesVoices: clones,
  },
  mayHaveMoreVoices: () => isAway,
});

const KOKORO = engine('kokoro', [voice('af_heart', 'female', 'en-US'), voice('am_adam', 'male', 'en-US')]);
const EDGE = engine('edge', [voice('killian', 'male', 'de-DE'), voice('aria', 'female', 'en-US')]);
const CHATTERBOX = engine('chatterbox', [voice('Emily.wav', 'female', 'en')], { clones: true });
const FLITE = engine('flite', [voice('slt', 'female', 'en'), voice('rms', 'male', 'en')]);
const CHAIN = [KOKORO, EDGE, CHATTERBOX, FLITE];
const MUM: Voice = { ...voice('mum', 'female', 'en'), isCloned: true };
const ELEVENLABS = engine('elevenlabs', [voice('Rachel', 'female', 'en'), MUM, voice('Adam', 'male', 'en')]);
const PROFILE: VoiceProfile = { bytes: new Uint8Array(1), hash: 'ab' };

const plan = (request: Partial<NarrationRequest>, chain: readonly ChainMember[] = CHAIN) =>
  planChain(chain, { text: 'Hello.', language: 'en', ...request }, 2).map(
    (step) => `${step.engine.profile.name}: ${step.voices.map(String).join(', ')}`,
  );

describe('planChain', () => {
  it('keeps the order of the chain when no voice was wished', () => {
    expect(plan({})).toEqual([
      'kokoro: undefined, am_adam',
      'edge: undefined',
      'chatterbox: undefined',
      'flite: undefined, rms',
    ]);
  });

  it('has no one else speak for a voice that was cloned at the service, unless the request allows it', () => {
    const chain = [FLITE, ELEVENLABS];
    expect(plan({ voiceId: 'mum' }, chain)).toEqual(['elevenlabs: mum']);
    expect(plan({ voiceId: 'mum', allowsOtherVoice: true }, chain)).toEqual([
      'elevenlabs: mum, Rachel',
      'flite: undefined, rms',
    ]);
  });

  it("has no person's own voice replace another", () => {
    expect(plan({ voiceId: 'Rachel' }, [ELEVENLABS])).toEqual(['elevenlabs: Rachel, Adam']);
    const own = engine('elevenlabs', [MUM]);
    expect(plan({ voiceId: 'slt' }, [FLITE, own])).toEqual(['flite: slt, rms']);
    expect(plan({ profile: PROFILE, allowsOtherVoice: true }, [CHATTERBOX, own, FLITE])).toEqual([
      'chatterbox: undefined',
      'flite: undefined, rms',
    ]);
    expect(plan({}, [own])).toEqual(['elevenlabs: undefined']);
  });

  it('begins with the engine that has the wished voice', () => {
    expect(plan({ voiceId: 'rms' })).toEqual([
      'flite: rms, slt',
      'kokoro: undefined, am_adam',
      'edge: undefined',
      'chatterbox: undefined',
    ]);
  });

  it('leaves out engines that do not speak the language', () => {
    expect(plan({ language: 'de-AT' })).toEqual(['edge: undefined']);
  });

  it('never gives a person’s own voice to someone else', () => {
    expect(plan({ profile: PROFILE, voiceId: 'mum' })).toEqual(['chatterbox: mum']);
  });

  it('does so when the request allows it, with voices of the others', () => {
    expect(plan({ profile: PROFILE, voiceId: 'mum', allowsOtherVoice: true })).toEqual([
      'chatterbox: mum',
      'kokoro: undefined, am_adam',
      'edge: undefined',
      'flite: undefined, rms',
    ]);
  });

  it.each([
    ['nobody speaks the language', { language: 'fi' }, CHAIN, 'language_unsupported'],
    ['nobody has the voice', { voiceId: 'ghost' }, CHAIN, 'voice_not_found'],
    ['its voice speaks another language', { voiceId: 'killian' }, CHAIN, 'voice_language_mismatch'],
    [
      'the engine of the voice speaks another language',
      { voiceId: 'slt', language: 'de' },
      CHAIN,
      'voice_language_mismatch',
    ],
    ['nobody clones voices', { profile: PROFILE }, [KOKORO, FLITE], 'voice_not_found'],
  ])('says so when %s', (_what, request, chain, code) => {
    const steps = (): unknown => planChain(chain, { text: 'Hello.', language: 'en', ...request }, 2);
    expect(steps).toThrow(expect.objectContaining({ code }) as Error);
  });

  it('does not deny a voice that an engine which is away could have', () => {
    const chain = [engine('elevenlabs', [voice('rachel', 'female', 'en')], { isAway: true }), FLITE];
    expect(() => plan({ voiceId: 'pNInz6obpgDQGcFmaJgB' }, chain)).toThrow(
      expect.objectContaining({ code: 'model_unavailable', retryable: true }) as Error,
    );
  });

  it('does not deny a language that an engine which is away could speak', () => {
    const chain = [engine('coqui', [], { isAway: true }), FLITE];
    expect(() => plan({ language: 'fi' }, chain)).toThrow(
      expect.objectContaining({ code: 'model_unavailable', retryable: true }) as Error,
    );
  });
});
