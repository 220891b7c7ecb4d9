import { describe, expect, it } from 'vitest';
import { leaseEndMs, readNarration } from './narration.ts';
import { readStory } from './story.ts';

const narrationOf = (fields: Record<string, unknown>, nowMs = 1000) =>
  readNarration(readStory('s1', fields), nowMs);
const url = 'https://audio.test/a.mp3';

describe('readNarration', () => {
  it('is none for a story that was never asked for', () => {
    expect(narrationOf({})).toEqual({ kind: 'none' });
  });

  it.each(['pending', 'processing'])(
    'turns %s into silence when the lease ends, and not before',
    (status) => {
      const fields = { audioStatus: status, audioLeaseExpiresAt: 1000 };
      expect(narrationOf(fields, 999).kind).toBe(status);
      expect(narrationOf(fields, 1000)).toEqual({ kind: 'silent', sinceMs: 1000, previous: undefined });
    },
  );

  it('does not call a job without a lease silent', () => {
    expect(narrationOf({ audioStatus: 'pending' })).toMatchObject({ kind: 'pending', isLeased: false });
  });

  it.each([
    [-1, 0],
    [0.4, 0.4],
    [7, 1],
    ['0.5', undefined],
  ])('shows progress %s as %s', (audioProgress, progress) => {
    expect(narrationOf({ audioStatus: 'processing', audioProgress })).toMatchObject({ progress });
  });

  it.each(['pending', 'processing', 'failed'])(
    'keeps the older narration playable while %s',
    (audioStatus) => {
      expect(narrationOf({ audioStatus, audioUrl: url, audioDurationMs: 5 })).toMatchObject({
        previous: { url, durationMs: 5 },
      });
    },
  );

  it('distinguishes a kept narration without an address from a lost one', () => {
    const kept = narrationOf({ audioStatus: 'ready', audioStoragePath: 'tts/a.mp3' });
    expect(kept).toEqual({ kind: 'ready', audio: undefined, isKept: true });
    expect(narrationOf({ audioStatus: 'ready' })).toMatchObject({ isKept: false });
  });
});

describe('leaseEndMs', () => {
  it('is of no interest once the job is over', () => {
    const lease = { audioLeaseExpiresAt: 5 };
    expect(leaseEndMs(readStory('s1', { audioStatus: 'pending', ...lease }))).toBe(5);
    expect(leaseEndMs(readStory('s1', { audioStatus: 'ready', ...lease }))).toBeUndefined();
  });
});
