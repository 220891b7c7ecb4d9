import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { openPage, violations } from '../../src/browser.ts';
import { decodeMp3 } from '../decode-mp3.ts';
import { CLARA, GHOST, newPerson, openAs, STORY_MS, type World, writeAsServer } from './world.ts';

const waitForStatus = (page: Page, status: string): Promise<void> =>
  page.locator(`[data-testid=audio-status][data-status=${status}]`).waitFor({ timeout: STORY_MS });

export const describePage = (world: World): void => {
  describe('the page', () => {
    it('lets a guest sign in, write a story, hear it narrated, and play it', async () => {
      const { page, context, faults } = await openPage(world.browser(), world.stack().addresses.pageUrl);
      await page.getByTestId('sign-in').click();
      await page.getByTestId('new-story').click();
      await page.getByTestId('story-title').fill('The lighthouse');
      await page
        .getByTestId('story-text')
        .fill('The keeper climbed the stairs at dusk. Far out, a small ship waited for the light.');
      await page.getByTestId('save-story').click();
      await page.getByTestId('narrate').click();
      await waitForStatus(page, 'ready');
      const player = page.getByTestId('audio-player');
      const url = (await player.getAttribute('src')) ?? '';
      const { durationMs, loudness } = await decodeMp3(
        new Uint8Array(await (await fetch(url)).arrayBuffer()),
      );
      expect(durationMs).toBeGreaterThan(3_000);
      expect(durationMs).toBeLessThan(15_000);
      expect(loudness).toBeGreaterThan(0.01);
      await player.evaluate((audio) => (audio as HTMLAudioElement).play());
      await expect
        .poll(() => player.evaluate((audio) => (audio as HTMLAudioElement).currentTime), {
          timeout: STORY_MS,
        })
        .toBeGreaterThan(0.2);
      expect(await violations(page)).toEqual([]);
      expect(faults).toEqual([]);
      await context.close();
    });

    it('runs no script that is not its own, and is shown in no page of another site', async () => {
      const { pageUrl } = world.stack().addresses;
      const { page, context } = await openPage(world.browser(), pageUrl);
      const refused = await page.evaluate(async (elsewhere) => {
        const directives: string[] = [];
        const { promise: reported, resolve } = Promise.withResolvers<void>();
        document.addEventListener('securitypolicyviolation', (event) => {
          if (directives.push(event.effectiveDirective) === 3) resolve();
        });
        const inline = document.createElement('script');
        inline.textContent = 'globalThis.isHostile = true';
        const foreign = document.createElement('script');
        foreign.src = `${elsewhere}/hostile.js`;
        document.body.append(inline, foreign);
        await fetch(elsewhere).catch(() => {});
        await reported;
        return [...directives.sort(), 'isHostile' in globalThis];
      }, 'https://evil.example');
      expect(refused).toEqual(['connect-src', 'script-src-elem', 'script-src-elem', false]);
      const outer = await context.newPage();
      await outer.setContent(`<iframe src="${pageUrl}"></iframe>`);
      await expect.poll(() => outer.frames()[1]?.url()).toMatch(/^chrome-error:/);
      await context.close();
    });

    it('explains an unusable voice within seconds, and Try Again works once it is mended', async () => {
      const person = await newPerson(world);
      const storyId = await person.createStory({
        title: 'A ghost',
        text: 'It spoke without a voice.',
        ...GHOST,
      });
      const { page, context } = await openAs(world, person.userId, storyId);
      await page.getByTestId('narrate').click();
      await waitForStatus(page, 'failed');
      expect(await page.getByTestId('error-sentence').textContent()).toContain(
        'The chosen voice does not exist.',
      );
      expect(await page.getByTestId('error-details').textContent()).toContain('ghost');
      expect(await violations(page)).toEqual([]);
      await page.getByTestId('voice-select').last().selectOption(CLARA.voiceId);
      await page.getByTestId('try-again').click();
      await waitForStatus(page, 'ready');
      expect(await page.getByTestId('error-sentence').count()).toBe(0);
      await expect.poll(() => page.getByTestId('attempts').textContent()).toMatch(/2[\s\S]*1/);
      await context.close();
      await person.close();
    });

    it('plays a story whose signed address has run out', async () => {
      const person = await newPerson(world);
      const storyId = await person.createStory({ title: 'Last year', text: 'It was long ago.', ...CLARA });
      await person.request(storyId);
      const { audioUrl } = await person.waitFor(storyId, (story) => story['audioStatus'] === 'ready', {
        withinMs: STORY_MS,
      });
      const expired = `${new URL(String(audioUrl)).origin}/audio/gone.mp3?X-Amz-Date=20250101T000000Z`;
      await writeAsServer(world, storyId, { audioUrl: { stringValue: expired } });
      const { page, context } = await openAs(world, person.userId, storyId);
      const player = page.getByTestId('audio-player');
      await expect.poll(() => player.getAttribute('src'), { timeout: STORY_MS }).toBe(audioUrl);
      await expect
        .poll(() => player.evaluate((audio) => (audio as HTMLAudioElement).duration), { timeout: STORY_MS })
        .toBeGreaterThan(0.5);
      expect(await page.getByRole('alert').count()).toBe(0);
      await context.close();
      await person.close();
    });

    it('says when it is offline, and recovers automatically', async () => {
      const person = await newPerson(world);
      const storyId = await person.createStory({ title: 'Away', text: 'Nobody was there.', ...CLARA });
      const { page, context } = await openAs(world, person.userId, storyId);
      const connection = (state: string): Promise<void> =>
        page
          .locator(`[data-testid=connection][data-state=${state}]`)
          .first()
          .waitFor({ state: 'attached', timeout: STORY_MS });
      await connection('live');
      await context.setOffline(true);
      await connection('offline');
      expect(await page.getByTestId('connection').first().textContent()).toMatch(/offline/i);
      await context.setOffline(false);
      await connection('live');
      await context.close();
      await person.close();
    });

    it.each(['light', 'dark'] as const)(
      'is accessible in the %s scheme, narrow and wide',
      async (colorScheme) => {
        const person = await newPerson(world);
        const storyId = await person.createStory({ title: 'Quiet', text: 'A quiet story.', ...CLARA });
        for (const width of [320, 1280]) {
          const viewport = { width, height: 800 };
          const { page, context } = await openAs(world, person.userId, storyId, { colorScheme, viewport });
          await page.getByTestId('narrate').waitFor();
          expect(await violations(page)).toEqual([]);
          const overflow = await page.evaluate(
            () => document.documentElement.scrollWidth - window.innerWidth,
          );
          expect(overflow).toBeLessThanOrEqual(0);
          await context.close();
        }
        await person.close();
      },
    );

    it('can be used from the keyboard alone', async () => {
      const person = await newPerson(world);
      const storyId = await person.createStory({ title: 'Keys', text: 'Only the keys were used.', ...CLARA });
      const { page, context } = await openAs(world, person.userId);
      await page.getByTestId(`story-item-${storyId}`).waitFor();
      const tabTo = async (testId: string): Promise<void> => {
        for (let presses = 0; presses < 40; presses += 1) {
          await page.keyboard.press('Tab');
          const at = await page.evaluate(() =>
            document.activeElement?.closest('[data-testid]')?.getAttribute('data-testid'),
          );
          if (at === testId) return;
        }
        throw new Error(`Tab never reached ${testId}`);
      };
      await tabTo(`story-item-${storyId}`);
      await page.keyboard.press('Enter');
      await page.getByTestId('narrate').waitFor();
      await tabTo('narrate');
      await page.keyboard.press('Enter');
      await waitForStatus(page, 'ready');
      expect(await page.getByTestId('audio-player').count()).toBe(1);
      await context.close();
      await person.close();
    });
  });
};
