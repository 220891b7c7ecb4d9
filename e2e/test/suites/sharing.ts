import { describe, expect, it } from 'vitest';
import { CLARA, newPerson, openAs, STORY_MS, type World } from './world.ts';

export const describeSharing = (world: World): void => {
  describe('one story', () => {
    it('looks the same in two browsers of its owner, and like nothing to anybody else', async () => {
      const owner = await newPerson(world);
      const stranger = await newPerson(world);
      const title = 'Between us';
      const storyId = await owner.createStory({ title, text: 'This is only for the two of us.', ...CLARA });
      const [first, second, other] = await Promise.all([
        openAs(world, owner.userId, storyId),
        openAs(world, owner.userId, storyId),
        openAs(world, stranger.userId),
      ]);
      await first.page.getByTestId('narrate').click();
      await Promise.all(
        [first, second].map(({ page }) =>
          page.locator('[data-testid=audio-status][data-status=ready]').waitFor({ timeout: STORY_MS }),
        ),
      );
      const sources = await Promise.all(
        [first, second].map(({ page }) => page.getByTestId('audio-player').getAttribute('src')),
      );
      expect(sources[0]).toBe(sources[1]);

      await other.page.goto(`${world.stack().addresses.pageUrl}/#story=${storyId}`);
      await other.page.reload();
      await other.page.getByTestId('new-story').waitFor();
      expect(await other.page.locator('body').textContent()).not.toContain(title);
      expect(await other.page.getByTestId('audio-player').count()).toBe(0);
      await expect(stranger.retry(storyId)).rejects.toMatchObject({ cause: { code: 'functions/not-found' } });
      await Promise.all([first, second, other].map(({ context }) => context.close()));
      await Promise.all([owner.close(), stranger.close()]);
    });
  });
};
