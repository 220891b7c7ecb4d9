import { describe, expect, it } from 'vitest';
import { CLARA, longText, newPerson, STORY_MS, type World } from './world.ts';

const LONG_TEXT = longText('ship');

/** The acknowledgement deadline of the lost worker, its redelivery, and the narration itself. */
const REDELIVERED_MS = 180_000;

export const describeWorkerLoss = (world: World): void => {
  describe('a worker that is killed in the middle of a job', () => {
    it('does not take the story with it: the job is redelivered and the story ends', async () => {
      const person = await newPerson(world);
      const storyId = await person.createStory({ title: 'The tide', text: LONG_TEXT, ...CLARA });
      const under = person.waitFor(storyId, ({ audioProgress }) => Number(audioProgress ?? 0) > 0.1, {
        withinMs: STORY_MS,
      });
      await person.request(storyId);
      expect(await under).toMatchObject({ audioStatus: 'processing' });
      await world.stack().worker()?.kill();
      await world.stack().restartWorker();
      const story = await person.waitFor(
        storyId,
        ({ audioStatus }) => audioStatus === 'ready' || audioStatus === 'failed',
        {
          withinMs: REDELIVERED_MS,
        },
      );
      expect(story).toMatchObject({ audioStatus: 'ready', audioAttempt: 1 });
      expect(Number(story['audioDurationMs'])).toBeGreaterThan(60_000);
      await person.close();
    }, 400_000);
  });
};
