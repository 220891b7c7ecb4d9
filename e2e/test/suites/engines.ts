import { describe, expect, it } from 'vitest';
import type { HttpSimulator } from '../../../packages/speech/test/engines/simulators/http-simulator.ts';
import { newPerson, openAs, STORY_MS, type World } from './world.ts';

const HEART = { voiceId: 'af_heart', voiceName: 'Heart' } as const;
const TEXT = 'The tide came in before the bells rang, and no one had seen it turn.';

/** The worker looks at its engines every few seconds, and reports them every five at most. */
const TOLD_MS = 60_000;

/** A worker that speaks with the embedded engine and with Kokoro, whose service goes away in the end. */
export const describeEngines = (world: World, kokoro: () => HttpSimulator): void => {
  describe('engines', () => {
    it('are listed on the page, speak with the voice that is chosen there, and step in for one another', async () => {
      const person = await newPerson(world);
      const storyId = await person.createStory({ title: 'The bells', text: TEXT, ...HEART });
      const { page, context } = await openAs(world, person.userId, storyId);
      const select = page.getByTestId('voice-select').last();
      await select.locator('optgroup[label=kokoro] option[value=af_heart]').waitFor({
        state: 'attached',
        timeout: TOLD_MS,
      });
      expect(await select.locator('optgroup').evaluateAll((groups) => groups.length)).toBe(2);

      await person.request(storyId);
      const spoken = await person.waitFor(storyId, ({ audioStatus }) => audioStatus === 'ready', {
        withinMs: STORY_MS,
      });
      expect(spoken['audioMetadata']).toMatchObject({ engine: 'kokoro' });

      await kokoro().close();
      // Another title makes no other text: the cache would answer for the same words.
      const later = await person.createStory({ title: 'The bells again', text: `${TEXT} Nobody.`, ...HEART });
      await person.request(later);
      const rescued = await person.waitFor(later, ({ audioStatus }) => audioStatus === 'ready', {
        withinMs: STORY_MS,
      });
      expect(rescued).toMatchObject({
        voiceId: HEART.voiceId,
        audioMetadata: {
          engine: 'flite',
          failed_before: [{ engine: 'kokoro', error_type: 'network_unreachable' }],
        },
      });
      await page.getByTestId('new-story').click();
      await page
        .getByTestId('voice-select')
        .last()
        .locator('option[value=af_heart]', { hasText: 'not available now' })
        .waitFor({ state: 'attached', timeout: TOLD_MS });
      await context.close();
      await person.close();
    }, 240_000);
  });
};
