import { ERROR_CATALOGUE, type ErrorCode, TalebackError } from '@taleback/core';
import { describe, expect, it } from 'vitest';
import { createWavEncoder } from '../audio/audio-encoder.ts';
import { samplesIn } from '../audio/pcm.ts';
import { createNarrator, type NarratingEngine } from './narrate.ts';
import { voicesFor, whereElse } from './plan-chain.ts';

const KILLIAN = 'de-DE-KillianNeural';
const CONRAD = 'de-DE-ConradNeural';
const REQUEST = { text: 'Guten Abend.', language: 'de', voiceId: KILLIAN };

const failing = (code: ErrorCode): TalebackError => new TalebackError(code, `It was ${code}.`);

/** Engines with voices that fail with these codes; the others speak. */
const openNarrator = (
  faults: Readonly<Record<string, ErrorCode>>,
  engines: Readonly<Record<string, string[]>>,
) => {
  const tried: string[] = [];
  const logged: unknown[] = [];
  const engineOf = ([name, voices]: [string, readonly string[]]): NarratingEngine => ({
    profile: {
      name,
      languages: ['de'],
      voices: () => voices.map((id) => ({ id, name: id, languages: ['de'] })),
      prepareText: (text) => text,
      concurrency: 1,
      synthesizeChunk: async ({ text, voiceId }) => {
        const voice = `${name} ${voiceId}`;
        if (tried.at(-1) !== voice) tried.push(voice);
        const code = faults[voice];
        if (code !== undefined && !text.startsWith('Erstens')) throw failing(code);
        const length = samplesIn(text.length * 60, 1_000);
        return { sampleRateHz: 1_000, samples: new Int16Array(length).fill(3_000) };
      },
    },
    mayHaveMoreVoices: () => false,
    requireFit: () => {},
  });
  const narrate = createNarrator({
    engines: Object.entries(engines).map(engineOf),
    mostVoices: 2,
    encoder: createWavEncoder(),
    admit: () => {},
    log: (_severity, message, fields) => void logged.push([message, fields]),
  });
  return { narrate, tried, logged };
};

const EDGE_THEN_KOKORO = { edge: [KILLIAN, CONRAD], kokoro: ['af_bella'] };

describe('createNarrator', () => {
  it('asks no one else when the wished voice speaks', async () => {
    const { narrate, tried } = openNarrator({}, EDGE_THEN_KOKORO);
    expect(await narrate(REQUEST)).toMatchObject({ voiceId: KILLIAN, failedBefore: [] });
    expect(tried).toEqual([`edge ${KILLIAN}`]);
  });

  it('the next voice when one gives no audio', async () => {
    const { narrate, tried, logged } = openNarrator(
      { [`edge ${KILLIAN}`]: 'audio_missing' },
      EDGE_THEN_KOKORO,
    );
    expect(await narrate(REQUEST)).toMatchObject({
      engine: 'edge',
      voiceId: CONRAD,
      failedBefore: [{ engine: 'edge', voiceId: KILLIAN, error: { code: 'audio_missing' } }],
    });
    expect(tried).toEqual([`edge ${KILLIAN}`, `edge ${CONRAD}`]);
    expect(logged).toEqual([
      ['a voice failed at a narration', { engine: 'edge', voiceId: KILLIAN, code: 'audio_missing' }],
    ]);
  });

  it('the next engine when one is away, without its other voices', async () => {
    const { narrate, tried } = openNarrator({ [`edge ${KILLIAN}`]: 'network_unreachable' }, EDGE_THEN_KOKORO);
    expect(await narrate(REQUEST)).toMatchObject({ engine: 'kokoro', voiceId: 'af_bella' });
    expect(tried).toEqual([`edge ${KILLIAN}`, 'kokoro af_bella']);
  });

  it('a clear failure when all retries and fallback voices failed', async () => {
    const { narrate } = openNarrator(
      {
        [`edge ${KILLIAN}`]: 'audio_missing',
        [`edge ${CONRAD}`]: 'audio_silent',
        'kokoro af_bella': 'credentials_invalid',
      },
      EDGE_THEN_KOKORO,
    );
    await expect(narrate(REQUEST)).rejects.toMatchObject({
      code: 'audio_missing',
      retryable: true,
      details: [
        `edge ${KILLIAN}: audio_missing, It was audio_missing.`,
        `edge ${CONRAD}: audio_silent, It was audio_silent.`,
        'kokoro : credentials_invalid, It was credentials_invalid.',
      ].join('; '),
    });
  });

  it.each<ErrorCode>([
    'text_empty',
    'voice_not_found',
    'job_cancelled',
    'system_protection',
    'storage_upload_failed',
  ])('ends at once with %s: no one would do better, or no one should', async (code) => {
    const { narrate, tried } = openNarrator({ [`edge ${KILLIAN}`]: code }, EDGE_THEN_KOKORO);
    await expect(narrate(REQUEST)).rejects.toMatchObject({ code });
    expect(tried).toEqual([`edge ${KILLIAN}`]);
  });

  it('goes on when a substitute cannot do it, and reports what was asked for', async () => {
    const { narrate, tried } = openNarrator(
      { [`edge ${KILLIAN}`]: 'network_unreachable', 'kokoro af_bella': 'script_unsupported' },
      { ...EDGE_THEN_KOKORO, espeak: ['de'] },
    );
    expect(await narrate(REQUEST)).toMatchObject({ engine: 'espeak' });
    expect(tried).toEqual([`edge ${KILLIAN}`, 'kokoro af_bella', 'espeak de']);
  });

  it('takes the next voice of the engine that was asked for a substitute as well', async () => {
    const { narrate, tried } = openNarrator(
      { [`edge ${KILLIAN}`]: 'audio_missing', [`edge ${CONRAD}`]: 'script_unsupported' },
      EDGE_THEN_KOKORO,
    );
    expect(await narrate(REQUEST)).toMatchObject({ engine: 'kokoro' });
    expect(tried).toEqual([`edge ${KILLIAN}`, `edge ${CONRAD}`, 'kokoro af_bella']);
  });

  it.each<ErrorCode>(['queue_full', 'voice_profile_format_invalid'])(
    'asks the next engine, and no other voice, after %s',
    async (code) => {
      const { narrate, tried } = openNarrator({ [`edge ${KILLIAN}`]: code }, EDGE_THEN_KOKORO);
      expect(await narrate(REQUEST)).toMatchObject({ engine: 'kokoro' });
      expect(tried).toEqual([`edge ${KILLIAN}`, 'kokoro af_bella']);
    },
  );

  it('never tells that it went back', async () => {
    const { narrate } = openNarrator({ [`edge ${KILLIAN}`]: 'audio_missing' }, EDGE_THEN_KOKORO);
    const told: number[] = [];
    const text = 'Erstens kam die Flut.\n\nDann kam der Tag.';
    await narrate({ ...REQUEST, text }, { onProgress: (fraction) => told.push(fraction) });
    const [first, second, ...others] = told;
    expect(first).toBeGreaterThan(0);
    expect(second).toBe(first);
    expect(others).toEqual([1]);
  });

  it('goes somewhere or nowhere with every error of the catalogue', () => {
    const ways = new Set((Object.keys(ERROR_CATALOGUE) as ErrorCode[]).map(whereElse));
    expect([...ways].toSorted()).toEqual(['next-engine', 'next-voice', 'nowhere']);
  });
});

describe('voicesFor', () => {
  const profile = {
    voices: () => [
      { id: 'a', name: 'A', languages: ['en'], gender: 'female' as const },
      { id: 'b', name: 'B', languages: ['en-GB'], gender: 'male' as const },
      { id: 'c', name: 'C', languages: ['en'], gender: 'female' as const },
      { id: 'd', name: 'D', languages: ['de'], gender: 'female' as const },
    ],
  };

  it('begins with the wished voice, then the nearest that speak the language', () => {
    expect(voicesFor(profile, 9, { language: 'en-US', voiceId: 'b' })).toEqual(['b', 'a', 'c']);
    expect(voicesFor(profile, 2, { language: 'en', voiceId: 'c' })).toEqual(['c', 'a']);
  });

  it('leaves the first choice to the engine when nothing was wished', () => {
    expect(voicesFor(profile, 2, { language: 'en' })).toEqual([undefined, 'c']);
  });

  it('keeps an unknown voice first, so that its person hears that it is unknown', () => {
    expect(voicesFor(profile, 1, { language: 'en', voiceId: 'ghost' })).toEqual(['ghost']);
  });
});
