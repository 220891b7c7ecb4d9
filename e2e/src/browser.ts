import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, chromium, type Page } from 'playwright-core';
import { findBrowser } from './find-browser.ts';

export const openBrowser = async (): Promise<Browser> => {
  const { executablePath, args } = await findBrowser();
  return chromium.launch({ executablePath, args: [...args], headless: true });
};

/** A page of its own, with its own storage, as another person's browser would be. */
export const openPage = async (
  browser: Browser,
  url: string,
  options: Parameters<Browser['newContext']>[0] = {},
) => {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  /** What the page printed as errors, and the faults it did not catch. */
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  await page.goto(url);
  return { page, context, faults };
};
export type OpenPage = Awaited<ReturnType<typeof openPage>>;

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe-core finds on the page as it stands. */
export const violations = async (page: Page): Promise<string[]> => {
  await page.evaluate(axeSource);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run: () => Promise<{ violations: { id: string; nodes: { target: unknown }[] }[] }> };
    };
    const { violations: found } = await axe.run();
    return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => String(target)).join(', ')}`);
  });
};
