import { appendFile, readFile } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { CLARA, longText, newPerson, openAs, STORY_MS, type World } from './world.ts';

interface WorkerFigures {
  readonly ready: boolean;
  readonly workers: readonly { readonly pid?: number; readonly inFlight: number }[];
}

const LONG_TEXT = longText('boat');

const figuresOf = async (world: World): Promise<WorkerFigures> => {
  const response = await fetch(`${world.stack().addresses.workerHealthUrl}/health/status`);
  return (await response.json()) as WorkerFigures;
};

const isReady = async (world: World): Promise<boolean> => {
  try {
    return (await figuresOf(world)).ready;
  } catch {
    return false;
  }
};

const ended = ({ audioStatus }: Record<string, unknown>): boolean =>
  audioStatus === 'ready' || audioStatus === 'failed';

/** What the worker's supervisor has started. */
const childrenOf = async (pid: number): Promise<number[]> =>
  (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ').map(Number);

export const describeGuarded = (world: World): void => {
  const set = (line: string): Promise<void> => appendFile(world.stack().controlFile, `${line}\n`);

  describe('a worker that guards itself', () => {
    afterEach(() => set('TTS_PROVIDER=on'));

    it('says on the page that narration is switched off, and Try Again works when it is on', async () => {
      const person = await newPerson(world);
      const storyId = await person.createStory({ title: 'Off', text: 'Nobody speaks now.', ...CLARA });
      await set('TTS_PROVIDER=disabled');
      await expect.poll(() => isReady(world), { timeout: STORY_MS }).toBe(false);
      const { page, context } = await openAs(world, person.userId, storyId);
      await page.getByTestId('narrate').click();
      await page.locator('[data-testid=audio-status][data-status=failed]').waitFor({ timeout: STORY_MS });
      expect(await page.getByTestId('error-sentence').textContent()).toContain(
        'Narration is switched off at the moment.',
      );
      await set('TTS_PROVIDER=flite');
      await expect.poll(() => isReady(world), { timeout: STORY_MS }).toBe(true);
      await page.getByTestId('try-again').click();
      await page.locator('[data-testid=audio-status][data-status=ready]').waitFor({ timeout: STORY_MS });
      await context.close();
      await person.close();
    });

    it('loses no story when every speech process is killed in the middle of it', async () => {
      const person = await newPerson(world);
      const storyId = await person.createStory({ title: 'Killed', text: LONG_TEXT, ...CLARA });
      const speaking = person.waitFor(storyId, ({ audioProgress }) => Number(audioProgress ?? 0) > 0.1, {
        withinMs: STORY_MS,
      });
      await person.request(storyId);
      await speaking;
      const { workers } = await figuresOf(world);
      expect(workers.some(({ inFlight }) => inFlight > 0)).toBe(true);
      for (const { pid } of workers) if (pid !== undefined) process.kill(pid, 'SIGKILL');
      const story = await person.waitFor(storyId, ended, { withinMs: STORY_MS });
      expect(story).toMatchObject({ audioStatus: 'ready', audioAttempt: 1 });
      await person.close();
    });

    it('is brought back by its supervisor when its process dies, and goes on', async () => {
      const person = await newPerson(world);
      const [pid = 0, ...others] = await childrenOf(world.stack().worker()?.pid ?? 0);
      expect(others).toEqual([]);
      process.kill(pid, 'SIGKILL');
      await expect.poll(() => isReady(world), { timeout: STORY_MS }).toBe(true);
      expect(await childrenOf(world.stack().worker()?.pid ?? 0)).not.toEqual([pid]);
      const storyId = await person.createStory({ title: 'Back', text: 'It came back.', ...CLARA });
      const ready = person.waitFor(storyId, ({ audioStatus }) => audioStatus === 'ready', {
        withinMs: STORY_MS,
      });
      await person.request(storyId);
      await ready;
      await person.close();
    });
  });
};
