import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type StartedChild, startChild } from './start-child.ts';

const CHUNKS = 20;
/** Each paragraph is a piece of its own: together with another it would be too long. */
const STORY = Array.from(
  { length: CHUNKS },
  (_, day) => `On day ${day + 1} the miller went down to the river${' and waited for the boat'.repeat(6)}.`,
).join('\n\n');

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'taleback-resume-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const narrate = (folder: string, killAt: number): StartedChild =>
  startChild('story-child.ts', {
    FOLDER: join(root, folder),
    STORY,
    KILL_AT: String(killAt),
  });

const idsOf = (child: StartedChild, kind: string): string[] => child.idsOf(kind);

describe('a story whose process is killed', () => {
  it('goes on where it stood: what was finished is found, only the rest is spoken', async () => {
    const whole = narrate('whole', 0);
    expect(await whole.ended).toEqual({ code: 0, signal: null });
    expect(idsOf(whole, 'chunks')).toEqual([String(CHUNKS)]);
    expect(idsOf(whole, 'speaks').length).toBe(CHUNKS);

    for (const killAt of [1, 7, 11, 19]) {
      const first = narrate(`killed-${killAt}`, killAt);
      expect(await first.ended).toEqual({ code: null, signal: 'SIGKILL' });
      const finished = idsOf(first, 'finished');
      expect(finished.length).toBe(killAt);

      const second = narrate(`killed-${killAt}`, 0);
      expect(await second.ended).toEqual({ code: 0, signal: null });
      const spokenAgain = idsOf(second, 'speaks');
      expect(spokenAgain.filter((text) => finished.includes(text))).toEqual([]);
      expect(new Set([...idsOf(first, 'speaks'), ...spokenAgain])).toEqual(new Set(idsOf(whole, 'speaks')));
      expect(spokenAgain.length).toBeLessThanOrEqual(CHUNKS - killAt);
      expect(idsOf(second, 'finished').length).toBe(CHUNKS);
      expect(idsOf(second, 'narrated')).toEqual(idsOf(whole, 'narrated'));
      expect(idsOf(second, 'warned')).toEqual([]);
    }
  });
});
