import { createNames } from '@taleback/core';
import { parseSecret, signStandard } from '@taleback/core/signatures';
import { openBrowser, openPage } from '@taleback/e2e/src/browser.ts';
import { pageUrlAs, signInReader } from '@taleback/scripts/src/stack/reader.ts';
import { startStack } from '@taleback/scripts/src/stack/stack.ts';
import type { Page } from 'playwright-core';
import { type BenchResult, below, judged, percentile } from './measure.ts';

const CALLBACKS = 100;
const WARM_UP = 10;
const GOAL_P95_MS = 250;
const USER = 'bench-reader';

/** Waits, from outside the page, for the sentence in the details to hold a marker. */
const watchFor = async (page: Page): Promise<(marker: string) => Promise<number>> => {
  let expected: { readonly marker: string; readonly resolve: (at: number) => void } | undefined;
  await page.exposeFunction('sawText', (text: string) => {
    if (expected === undefined || !text.includes(expected.marker)) return;
    expected.resolve(performance.now());
    expected = undefined;
  });
  await page.evaluate(() => {
    const { sawText } = globalThis as unknown as { sawText: (text: string) => void };
    // No function is named in here: the names that the TypeScript loader keeps do not exist in the page.
    new MutationObserver(() => {
      const status = document.querySelector('[data-testid=audio-status]')?.getAttribute('data-status') ?? '';
      sawText(`${status} ${document.querySelector('[data-testid=error-details]')?.textContent ?? ''}`);
    }).observe(document.body, {
      subtree: true,
      childList: true,
      characterData: true,
      attributes: true,
    });
  });
  return (marker) => new Promise((resolve) => (expected = { marker, resolve }));
};

/**
 * From the first byte of a signed callback to the changed page in a real browser: Hosting, the functions emulator,
 * Firestore and its listener on the way. The floor, measured in turn, is the same change written straight into
 * Firestore, without a receiver.
 */
export const run = async (): Promise<BenchResult> => {
  const stack = await startStack({ withWorker: false });
  const browser = await openBrowser();
  try {
    const { addresses, secret } = stack;
    const reader = await signInReader(addresses, USER);
    const storyId = await reader.createStory({ title: 'Bench', text: 'A story to measure.', voiceId: 'slt' });
    const { page } = await openPage(browser, pageUrlAs(USER, addresses));
    await page.getByTestId(`story-item-${storyId}`).click();
    await page.getByTestId('narrate').waitFor();
    const screenShows = await watchFor(page);

    const document = `http://${addresses.firestoreHost}/v1/projects/${addresses.projectId}/databases/(default)/documents/${createNames().collections.stories}/${storyId}`;
    /** Writes as an administrator: the emulator takes the word "owner" for one. */
    const write = async (fields: Record<string, string>): Promise<void> => {
      const mask = Object.keys(fields).map((name) => `updateMask.fieldPaths=${name}`);
      const answer = await fetch(`${document}?${mask.join('&')}`, {
        method: 'PATCH',
        headers: { authorization: 'Bearer owner', 'content-type': 'application/json' },
        body: JSON.stringify({
          fields: Object.fromEntries(
            Object.entries(fields).map(([name, value]) => [name, { stringValue: value }]),
          ),
        }),
      });
      if (!answer.ok) throw new Error(`Firestore answered ${answer.status}: ${await answer.text()}`);
    };
    const reset = async (jobId: string): Promise<void> => {
      const shown = screenShows('pending');
      await write({ audioStatus: 'pending', audioJobId: jobId });
      await shown;
    };
    const sendCallback = async (jobId: string, marker: string): Promise<number> => {
      const body = Buffer.from(JSON.stringify({ story_id: storyId, job_id: jobId, error: marker }));
      const signed = signStandard({ id: marker, timestampSeconds: Date.now() / 1000, body }, [
        parseSecret(secret),
      ]);
      const shown = screenShows(marker);
      const since = performance.now();
      const answer = await fetch(addresses.callbackUrl.replace(/callback$/, 'error-callback'), {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...signed },
        body,
      });
      if (answer.status !== 200)
        throw new Error(`the receiver answered ${answer.status}: ${await answer.text()}`);
      return (await shown) - since;
    };
    const writeDirectly = async (marker: string): Promise<number> => {
      const shown = screenShows(marker);
      const since = performance.now();
      await write({ audioStatus: 'failed', audioError: marker });
      return (await shown) - since;
    };

    const callbacks: number[] = [];
    const floor: number[] = [];
    for (let index = -WARM_UP; index < CALLBACKS; index += 1) {
      const name = index + WARM_UP;
      await reset(`job-${name}`);
      const callbackMs = await sendCallback(`job-${name}`, `callback-${name}-end`);
      await reset(`floor-${name}`);
      const floorMs = await writeDirectly(`floor-${name}-end`);
      if (index < 0) continue;
      callbacks.push(callbackMs);
      floor.push(floorMs);
    }
    await reader.close();
    const figures = {
      callbacks: callbacks.length,
      p50Ms: percentile(callbacks, 0.5),
      p95Ms: percentile(callbacks, 0.95),
      maxMs: percentile(callbacks, 1),
      floorP50Ms: percentile(floor, 0.5),
      floorP95Ms: percentile(floor, 0.95),
      p50ToFloor: percentile(callbacks, 0.5) / percentile(floor, 0.5),
    };
    return judged('callback-to-screen', figures, { p95Ms: below(GOAL_P95_MS) });
  } finally {
    await browser.close();
    await stack.stop();
  }
};
