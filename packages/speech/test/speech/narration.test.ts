import { MPEGDecoder } from 'mpg123-decoder';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type EmbeddedService, isAlive, openEmbedded } from './open-embedded.ts';

const STORY = [
  'Once upon a time, in a village by the sea, there lived a girl called Mara who could hear the tide talk.',
  '\u201cCome closer,\u201d it said. She laughed and ran along the sand until the gulls flew up\u2026',
  'Mr. Finn, who mended nets, shook his head; he had heard the tide once too, in 1984, and had never told a soul.',
  'That night the water rose to the third step of his house, and it knew his name.',
].join('\n\n');

let narrator: EmbeddedService;
beforeAll(async () => {
  narrator = await openEmbedded();
});
afterAll(() => narrator.close());

const decode = async (mp3: Uint8Array) => {
  const decoder = new MPEGDecoder();
  await decoder.ready;
  const { channelData, sampleRate, samplesDecoded, errors } = decoder.decode(mp3);
  decoder.free();
  const sum = channelData[0]!.reduce((total, sample) => total + sample * sample, 0);
  return {
    sampleRate,
    errors,
    durationMs: (samplesDecoded * 1000) / sampleRate,
    rms: Math.sqrt(sum / samplesDecoded),
  };
};

const sameBytes = (one: Uint8Array, other: Uint8Array): boolean => Buffer.from(one).equals(other);

describe('narration', () => {
  test('makes an MP3 that plays, as long as it says and audible', async () => {
    const fractions: number[] = [];
    const narration = await narrator.narrate(
      { text: STORY, language: 'en-US' },
      { onProgress: (fraction) => fractions.push(fraction) },
    );
    expect(narration).toMatchObject({ chunkCount: 4, voiceId: 'slt', engine: 'flite', sampleRateHz: 16_000 });
    expect(narration.durationMs).toBeGreaterThan(15_000);
    expect(narration.durationMs).toBeLessThan(40_000);
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
    expect([fractions.length, fractions.at(-1)]).toEqual([4, 1]);

    const played = await decode(narration.bytes);
    expect([played.errors, played.sampleRate]).toEqual([[], 16_000]);
    // An MP3 holds whole frames and the encoder's delay: up to 150 ms more.
    expect(played.durationMs - narration.durationMs).toBeGreaterThan(-50);
    expect(played.durationMs - narration.durationMs).toBeLessThan(200);
    expect(played.rms).toBeGreaterThan(0.03);
    expect(narration.bytes.length / (played.durationMs / 1000)).toBeCloseTo(8000, -3);
  });

  test('is whole although both children are killed on the way', async () => {
    const request = { text: STORY.repeat(3), language: 'en', voiceId: 'slt' };
    const whole = await narrator.narrate(request);
    const killed: number[] = [];
    const battered = await narrator.narrate(request, {
      onProgress: () => {
        const { inFlight } = narrator.manager.getStatus();
        if (killed.length > 0 || inFlight !== 2) return;
        killed.push(...narrator.pids());
        for (const pid of killed) process.kill(pid, 'SIGKILL');
      },
    });
    expect(killed).toHaveLength(2);
    expect(sameBytes(battered.bytes, whole.bytes)).toBe(true);
    expect(narrator.manager.getStatus()).toMatchObject({ retryAttempts: 2, errorsByType: {} });
  });

  test('gives each of 100 listeners their own story', async () => {
    const requests = Array.from({ length: 100 }, (_, index) => ({
      text: `Story ${index}.\n\nIt has ${100 - index} pages.`,
      language: 'en',
      voiceId: 'kal16',
    }));
    const together = await Promise.all(requests.map((request) => narrator.narrate(request)));
    for (const [index, request] of requests.entries()) {
      const alone = await narrator.narrate(request);
      expect(sameBytes(alone.bytes, together[index]!.bytes)).toBe(true);
    }
    expect(new Set(together.map(({ bytes }) => Buffer.from(bytes).toString('base64'))).size).toBe(100);
  });

  test('takes a token of 1,050 digits in pieces', async () => {
    const { chunkCount, durationMs } = await narrator.narrate({
      text: '1234567890'.repeat(105),
      language: 'en',
      voiceId: 'kal16',
    });
    expect(chunkCount).toBeGreaterThanOrEqual(18);
    expect(durationMs).toBeGreaterThan(200_000);
  });

  test('stops when it is cancelled, and the narrator goes on', async () => {
    const stop = new AbortController();
    const cancelled = narrator.narrate(
      { text: STORY.repeat(5), language: 'en' },
      { signal: stop.signal, onFirstAudio: () => stop.abort() },
    );
    await expect(cancelled).rejects.toMatchObject({ code: 'job_cancelled' });
    expect(narrator.manager.getStatus().queueDepth).toBe(0);
    await narrator.narrate({ text: 'Still here.', language: 'en', voiceId: 'kal16' });
  });

  test.each([
    [{ text: 'Bonjour.', language: 'fr' }, 'language_unsupported'],
    [{ text: 'Hello.', language: 'en', voiceId: 'nobody' }, 'voice_not_found'],
    [{ text: '!!!', language: 'en' }, 'text_not_speakable'],
    [{ text: '', language: 'en' }, 'text_empty'],
  ])('refuses %j as %s', async (request, code) => {
    await expect(narrator.narrate(request)).rejects.toMatchObject({ code });
  });

  test('settles what is under way and leaves no process when it closes', async () => {
    const underway = narrator.narrate({ text: STORY, language: 'en' });
    underway.catch(() => {});
    const pids = narrator.pids();
    expect(pids).toHaveLength(2);
    await narrator.close();
    await expect(underway).rejects.toMatchObject({ code: 'job_cancelled' });
    expect(pids.filter(isAlive)).toEqual([]);
    await expect(narrator.narrate({ text: STORY, language: 'en' })).rejects.toMatchObject({
      code: 'job_cancelled',
    });
  });
});
