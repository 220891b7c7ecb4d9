import { type Stack, startStack } from '@taleback/scripts/stack';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { openBrowser } from './browser.ts';
import { describeCallbacks } from './suites/callbacks.ts';
import { describeGuarded } from './suites/guarded.ts';
import { describePage } from './suites/page.ts';
import { describeSharing } from './suites/sharing.ts';
import { describeWorkerLoss } from './suites/worker-loss.ts';

/** One stack and one browser serve every suite; each test makes stories and people of its own. */
let stack: Stack;
let browser: Browser;

beforeAll(async () => {
  [stack, browser] = await Promise.all([
    startStack({ workerEnv: { JOB_ACK_DEADLINE_SECONDS: '10' } }),
    openBrowser(),
  ]);
});

afterAll(async () => {
  await browser?.close();
  await stack?.stop();
});

const world = { stack: () => stack, browser: () => browser };

describeCallbacks(world);
describePage(world);
describeSharing(world);
describeGuarded(world);
describeWorkerLoss(world);
