import { pageUrlAs } from '@taleback/scripts/src/stack/reader.ts';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { openPage, violations } from '../../src/browser.ts';
import { CLARA, newPerson, openAs, type World, writeAsServer } from './world.ts';

const MINUTE_MS = 60_000;
const TALE = { title: 'The well', text: 'The well was deep.', ...CLARA };
/** Viewports that the writing is looked at in. */
const WIDTHS = [380, 1280] as const;

const textOf = (page: Page): Promise<string> => page.getByTestId('story-text').inputValue();

/** Nothing that axe-core finds and nothing to scroll sideways to, in both schemes and sizes. */
const expectSound = async (page: Page): Promise<void> => {
  const size = page.viewportSize();
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 800 });
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      expect(await violations(page)).toEqual([]);
      expect(
        await page.evaluate(() => document.documentElement.scrollWidth - innerWidth),
      ).toBeLessThanOrEqual(0);
    }
  }
  if (size !== null) await page.setViewportSize(size);
};

export const describeWriting = (world: World): void => {
  describe('a page that is left open', () => {
    it('opens a story that was denied, once the server shows it', async () => {
      const [owner, reader] = [await newPerson(world), await newPerson(world)];
      const storyId = await owner.createStory(TALE);
      const { page, context } = await openAs(world, reader.userId);
      await page.getByTestId('new-story').waitFor();
      await page.evaluate((id) => {
        location.hash = `#story=${id}`;
      }, storyId);
      const state = (kind: string) => page.locator(`[data-testid=connection][data-state=${kind}]`);
      await state('denied').waitFor({ state: 'attached' });
      await page.getByRole('heading', { name: 'This story is not open to you' }).waitFor();
      await writeAsServer(world, storyId, { userId: { stringValue: reader.userId } });
      await page.getByRole('heading', { level: 1, name: TALE.title }).waitFor();
      await state('live').waitFor({ state: 'attached' });
      expect(await page.locator('.prose').textContent()).toBe(TALE.text);
      await context.close();
      await Promise.all([owner.close(), reader.close()]);
    });

    it('sees no silence when its own clock is 20 minutes ahead', async () => {
      const person = await newPerson(world);
      const storyId = await person.createStory(TALE);
      await writeAsServer(world, storyId, {
        audioStatus: { stringValue: 'processing' },
        audioLeaseExpiresAt: { timestampValue: new Date(Date.now() + 10 * MINUTE_MS).toISOString() },
      });
      const { page, context } = await openPage(world.browser(), 'about:blank');
      await context.addInitScript((offsetMs) => {
        const { now } = Date;
        Date.now = () => now() + offsetMs;
      }, 20 * MINUTE_MS);
      await page.goto(pageUrlAs(person.userId, world.stack().addresses));
      await page.getByTestId(`story-item-${storyId}`).click();
      await page.locator('[data-testid=connection][data-state=live]').waitFor({ state: 'attached' });
      expect(await page.getByTestId('audio-status').getAttribute('data-status')).toBe('processing');
      expect(await page.getByTestId('try-again').count()).toBe(0);
      await context.close();
      await person.close();
    });
  });

  describe('writing', () => {
    it('survives Cancel, Back and a reload until it is saved', async () => {
      const { page, context, faults } = await openPage(world.browser(), world.stack().addresses.pageUrl);
      await page.getByTestId('sign-in').click();
      await page.getByTestId('new-story').click();
      await page.getByTestId('story-title').fill(TALE.title);
      await page.getByTestId('story-text').fill(TALE.text);
      const leave = [() => page.getByTestId('cancel').click(), () => page.goBack(), () => page.reload()];
      for (const way of leave) {
        await way();
        await page.getByTestId('new-story').click();
        expect(await textOf(page)).toBe(TALE.text);
      }
      await page.getByTestId('sample-fox-and-grapes').click();
      await page.getByRole('dialog').waitFor();
      await expectSound(page);
      await page.keyboard.press('Escape');
      expect(await textOf(page)).toBe(TALE.text);
      await page.getByTestId('save-story').click();
      await page.getByTestId('edit-story').click();
      await page.getByTestId('story-text').fill('The well was dry.');
      await page.getByTestId('cancel').click();
      await page.getByTestId('draft-note').waitFor();
      await page.reload();
      await page.getByTestId('draft-note').waitFor();
      await expectSound(page);
      await page.getByTestId('edit-story').click();
      expect(await textOf(page)).toBe('The well was dry.');
      await page.getByTestId('save-story').click();
      await page.getByText('The well was dry.').waitFor();
      expect(await page.getByTestId('draft-note').count()).toBe(0);
      await page.reload();
      await page.getByTestId('new-story').click();
      expect(await textOf(page)).toBe('');
      expect(faults).toEqual([]);
      await context.close();
    });

    it('never overwrites what another tab saved, unless it is asked to', async () => {
      const person = await newPerson(world);
      const storyId = await person.createStory(TALE);
      const [one, two] = [
        await openAs(world, person.userId, storyId),
        await openAs(world, person.userId, storyId),
      ];
      for (const { page } of [one, two]) await page.getByTestId('edit-story').click();
      await two.page.getByTestId('story-text').fill('Text of the second.');
      // The second one does not hear of the first one's save.
      await two.context.setOffline(true);
      await one.page.getByTestId('story-text').fill('Text of the first.');
      await one.page.getByTestId('save-story').click();
      await one.page.getByText('Text of the first.').waitFor();
      await two.context.setOffline(false);
      await two.page.getByTestId('save-story').click();
      await two.page.getByTestId('conflict').getByText('Text of the first.').waitFor();
      expect(await textOf(two.page)).toBe('Text of the second.');
      await expectSound(two.page);
      expect(await one.page.locator('.prose').textContent()).toBe('Text of the first.');
      await two.page.getByTestId('keep-mine').click();
      await one.page.getByText('Text of the second.').waitFor();
      await Promise.all([one, two].map(({ context }) => context.close()));
      await person.close();
    });
  });
};
