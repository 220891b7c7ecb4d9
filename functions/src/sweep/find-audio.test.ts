import { describe, expect, it } from 'vitest';
import { type AudioProbeAnswer, createAudioFinder, publishedAudioPlace } from './find-audio.ts';

const BASE = 'https://audio.test/tales';
const PLACE = `${BASE}/private/users/u1/stories/audio/en/s%25201`;
const sought = { storyId: 's 1', userId: 'u1', language: 'en', jobIds: ['j1', 'rp-1'] };
const there: AudioProbeAnswer = { status: 200, contentType: 'audio/mpeg', sizeBytes: 900 };
const gone: AudioProbeAnswer = { ...there, status: 404 };

const find = async (answers: Record<string, AudioProbeAnswer>, more: Partial<typeof sought> = {}) => {
  const asked: string[] = [];
  const place = publishedAudioPlace(BASE, async (url) => {
    asked.push(url);
    const answer = answers[url];
    if (answer === undefined) throw new Error('no answer');
    return answer;
  });
  const finder = createAudioFinder(place);
  return { found: await finder({ ...sought, ...more }), asked };
};

describe('looking for audio whose callback was lost', () => {
  it('finds it where the worker would have put it', async () => {
    const url = `${PLACE}/j1.mp3`;
    const { found, asked } = await find({ [url]: there });
    expect(found).toEqual({
      kind: 'found',
      audioUrl: url,
      storagePath: 'private/users/u1/stories/audio/en/s%201/j1.mp3',
    });
    expect(asked).toEqual([url]);
  });

  it("finds it under RunPod's name for the job", async () => {
    const { found } = await find({ [`${PLACE}/j1.mp3`]: gone, [`${PLACE}/rp-1.mp3`]: there });
    expect(found).toMatchObject({ kind: 'found', audioUrl: `${PLACE}/rp-1.mp3` });
  });

  it('looks in English for a story that names no language', async () => {
    const { asked } = await find({}, { language: undefined as never, jobIds: ['j1'] });
    expect(asked).toEqual([`${PLACE}/j1.mp3`]);
  });

  it.each([
    ['404', gone, 'absent'],
    ['403, as buckets say it', { ...there, status: 403 }, 'absent'],
    ['a page', { ...there, contentType: 'text/html' }, 'absent'],
    ['an empty file', { ...there, sizeBytes: 0 }, 'absent'],
    ['503', { ...there, status: 503 }, 'unknown'],
    ['302', { ...there, status: 302 }, 'unknown'],
    ['a length that is not said', { ...there, sizeBytes: Number.NaN }, 'found'],
  ])('takes %s for what it is', async (_what, answer, kind) => {
    const { found } = await find({ [`${PLACE}/j1.mp3`]: answer }, { jobIds: ['j1'] });
    expect(found.kind).toBe(kind);
  });

  it('is not sure when one of the places gives no answer', async () => {
    const { found } = await find({ [`${PLACE}/rp-1.mp3`]: gone });
    expect(found).toEqual({ kind: 'unknown' });
  });
});
