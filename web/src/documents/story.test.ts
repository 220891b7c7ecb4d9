import { describe, expect, it } from 'vitest';
import { readStory } from './story.ts';

describe('readStory', () => {
  it('reads the fields of a document', () => {
    const story = readStory('s1', {
      title: 'A tale',
      text: 'Once.',
      language: 'en',
      voiceId: 'slt',
      voiceName: 'Clara',
      createdAt: { toMillis: () => 1000 },
      audioStatus: 'ready',
      audioUrl: 'https://audio.test/a.mp3',
      audioDurationMs: 1200,
    });
    expect(story).toMatchObject({ id: 's1', title: 'A tale', createdAtMs: 1000, audioDurationMs: 1200 });
    expect(story.audioUrl).toBe('https://audio.test/a.mp3');
    expect(story.failure).toBeUndefined();
  });

  it('shows no characters of a title that are not seen', () => {
    expect(readStory('s1', { title: 'A\u202E\u0000 t\u2066ale\n' }).title).toBe('A tale');
    expect(readStory('s1', { title: '\u202E\u0007' }).title).toBe('Untitled story');
    expect(readStory('s1', { title: 'قصة 👩‍👧' }).title).toBe('قصة 👩‍👧');
  });

  it('takes nonsense for absence', () => {
    const story = readStory('s1', {
      title: 7,
      text: null,
      createdAt: 'yesterday',
      audioStatus: 'singing',
      audioDurationMs: Number.NaN,
    });
    expect(story.title).toBe('Untitled story');
    expect(story.text).toBe('');
    expect(story.createdAtMs).toBeUndefined();
    expect(story.audio.status).toBeUndefined();
    expect(story.audioDurationMs).toBeUndefined();
  });

  it.each(['javascript:alert(1)', 'data:audio/wav;base64,AA', 'audio/a.mp3', 'blob:https://a.test/1'])(
    'does not play from %s',
    (audioUrl) => {
      const story = readStory('s1', { audioStatus: 'ready', audioUrl });
      expect(story.audioUrl).toBeUndefined();
      expect(story.isAudioKept).toBe(false);
    },
  );

  it('falls back to the unknown code, and keeps the words of the sender', () => {
    const fields = { audioStatus: 'failed', audioError: 'It broke.', audioErrorDetails: 'exit 9' };
    for (const audioErrorCode of [undefined, 'no-such-code', '__proto__', 5]) {
      expect(readStory('s1', { ...fields, audioErrorCode }).failure).toEqual({
        code: 'unknown',
        words: 'It broke.',
        details: 'exit 9',
      });
    }
  });
});
