import { createHash } from 'node:crypto';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { decodeMp3, formatWav, samplesIn, type VoiceProfile } from '@taleback/speech';
import { openChatterboxServer } from '../../../packages/speech/test/engines/simulators/chatterbox-server.ts';
import { openEdgeServer } from '../../../packages/speech/test/engines/simulators/edge-server.ts';
import { openElevenlabsServer } from '../../../packages/speech/test/engines/simulators/elevenlabs-server.ts';
import { openKokoroServer } from '../../../packages/speech/test/engines/simulators/kokoro-server.ts';
import { type OpenedChain, openChain } from './open-chain.ts';

const SPEECH = '/v1/audio/speech';
const PARAGRAPH = 'The tide came in before the bells rang, and nobody on the quay had seen it turn.';
const STORY = { text: Array.from({ length: 8 }, () => PARAGRAPH).join('\n\n'), language: 'en' };

const open: { close: () => Promise<void> }[] = [];
const opened = <Closable extends { close: () => Promise<void> }>(closable: Closable): Closable => {
  open.unshift(closable);
  return closable;
};
const chainOf = async (environment: Readonly<Record<string, string>>): Promise<OpenedChain> =>
  opened(await openChain(environment));

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

const recording = (): VoiceProfile => {
  const samples = Int16Array.from(
    { length: samplesIn(2_000, 16_000) },
    (_, index) => 8_000 * Math.sin(index / 9),
  );
  const bytes = formatWav({ sampleRateHz: 16_000, samples });
  return { bytes, hash: createHash('sha256').update(bytes).digest('hex') };
};

describe('a chain of engines', () => {
  test('tells a whole story although the first engine is killed in the middle of it', async () => {
    const kokoro = opened(await openKokoroServer({ port: 0 }));
    const { narrate, logged, chain } = await chainOf({ ENGINES: 'kokoro,flite', KOKORO_URL: kokoro.baseUrl });
    const told: number[] = [];
    const narration = narrate(STORY, { onProgress: (fraction) => told.push(fraction) });
    await kokoro.until(() => kokoro.callsTo(SPEECH).length >= 4);
    await kokoro.close();
    const { bytes, durationMs, engine, voiceId, chunkCount, failedBefore } = await narration;
    expect({ engine, voiceId, chunkCount }).toEqual({ engine: 'flite', voiceId: 'slt', chunkCount: 8 });
    expect(failedBefore?.map(({ engine: name, error }) => [name, error.code])).toEqual([
      ['kokoro', 'network_unreachable'],
    ]);
    expect(told).toEqual(told.toSorted((a, b) => a - b));
    const { samples, sampleRateHz } = await decodeMp3(bytes);
    expect(Math.abs((samples.length / sampleRateHz) * 1_000 - durationMs)).toBeLessThan(200);
    // Seed 002: diagnosed by itself when all retries have failed.
    await vi.waitFor(() => expect(logged.map(({ message }) => message)).toContain('engine diagnosed'), {
      timeout: 120_000,
    });
    expect(logged.find(({ message }) => message === 'engine diagnosed')?.fields).toMatchObject({
      engine: 'kokoro',
      diagnosis: { ok: false, code: 'network_unreachable' },
    });
    expect(chain.getStatus()).toMatchObject({ ready: true });
  });

  test('de-DE-ConradNeural reads when de-DE-KillianNeural gives no audio', async () => {
    const edge = opened(
      await openEdgeServer({
        port: 0,
        modeOf: ({ voice }) => (voice === 'de-DE-KillianNeural' ? 'none' : 'ok'),
      }),
    );
    const { narrate } = await chainOf({ ENGINES: 'edge,flite', EDGE_URL: edge.endpoint });
    const request = { text: 'Die Flut kam vor den Glocken.', language: 'de', voiceId: 'de-DE-KillianNeural' };
    expect(await narrate(request)).toMatchObject({
      engine: 'edge',
      voiceId: 'de-DE-ConradNeural',
      failedBefore: [{ engine: 'edge', voiceId: 'de-DE-KillianNeural', error: { code: 'audio_missing' } }],
    });
  });

  test('goes to the engine that has the wished voice, and elsewhere at once when its quota is used up', async () => {
    const elevenlabs = opened(await openElevenlabsServer({ port: 0 }));
    const { narrate, chain } = await chainOf({
      ENGINES: 'flite,elevenlabs',
      ELEVENLABS_URL: elevenlabs.baseUrl,
      ELEVENLABS_API_KEY: elevenlabs.apiKey,
    });
    const voiceId = chain.engines()[1]?.voices[0]?.id ?? '';
    expect(await narrate({ ...STORY, voiceId })).toMatchObject({ engine: 'elevenlabs', voiceId });
    const detail = { status: 'quota_exceeded', message: 'This request exceeds your quota.' };
    elevenlabs.script(...Array.from({ length: 8 }, () => ({ status: 401, json: { detail } })));
    expect(await narrate({ ...STORY, text: `${STORY.text} Again.`, voiceId })).toMatchObject({
      engine: 'flite',
      failedBefore: [{ engine: 'elevenlabs', error: { code: 'provider_quota_exceeded' } }],
    });
  });

  test('never lets a stranger read in a person’s own voice, unless the story allows it', async () => {
    const chatterbox = opened(await openChatterboxServer({ port: 0 }));
    const { narrate } = await chainOf({ ENGINES: 'chatterbox,flite', CHATTERBOX_URL: chatterbox.baseUrl });
    const mine = { text: PARAGRAPH, language: 'en', voiceId: 'mum', profile: recording() };
    expect(await narrate(mine)).toMatchObject({ engine: 'chatterbox', voiceId: 'mum', failedBefore: [] });
    expect(JSON.parse(chatterbox.callsTo('/tts').at(-1)?.body.toString('utf8') ?? '')).toMatchObject({
      voice_mode: 'clone',
      reference_audio_filename: expect.stringContaining(mine.profile.hash.slice(0, 16)) as string,
    });
    await chatterbox.close();
    await expect(narrate({ ...mine, text: `${PARAGRAPH} Again.` })).rejects.toMatchObject({
      code: 'network_unreachable',
    });
    expect(await narrate({ ...mine, text: `${PARAGRAPH} Again.`, allowsOtherVoice: true })).toMatchObject({
      engine: 'flite',
      failedBefore: [{ engine: 'chatterbox' }],
    });
  });

  test('answers an equal story from the cache, without asking anybody', async () => {
    const kokoro = opened(await openKokoroServer({ port: 0 }));
    const { narrate } = await chainOf({ ENGINES: 'kokoro', KOKORO_URL: kokoro.baseUrl, SPEECH_CACHE: 'on' });
    const first = await narrate(STORY);
    const asked = kokoro.callsTo(SPEECH).length;
    const second = await narrate(STORY);
    expect(kokoro.callsTo(SPEECH)).toHaveLength(asked);
    expect(Buffer.compare(first.bytes, second.bytes)).toBe(0);
    // The eight paragraphs are one text: what is told again is told once.
    expect(asked).toBeLessThan(8);
  });
});
