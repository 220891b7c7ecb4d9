import { type Stack, startStack } from '@taleback/scripts/src/stack/stack.ts';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import type { HttpSimulator } from '../../packages/speech/test/engines/simulators/http-simulator.ts';
import { openKokoroServer } from '../../packages/speech/test/engines/simulators/kokoro-server.ts';
import { openBrowser } from './browser.ts';
import { describeCallbacks } from '../test/suites/callbacks.ts';
import { describeEngines } from '../test/suites/engines.ts';
import { describeGuarded } from '../test/suites/guarded.ts';
import { describePage } from '../test/suites/page.ts';
import { describeSharing } from '../test/suites/sharing.ts';
import { describeWorkerLoss } from '../test/suites/worker-loss.ts';
import { describeWriting } from '../test/suites/writing.ts';

/** One stack and one browser serve every suite; each test makes stories and people of its own. */
let stack: Stack;
let browser: Browser;
let kokoro: HttpSimulator;

beforeAll(async () => {
  // The stack starts emulators of its own, as npm start does.
  delete process.env['FIRESTORE_EMULATOR_HOST'];
  delete process.env['PUBSUB_EMULATOR_HOST'];
  kokoro = await openKokoroServer({ port: 0 });
  const workerEnv = { JOB_ACK_DEADLINE_SECONDS: '10', ENGINES: 'flite,kokoro', KOKORO_URL: kokoro.baseUrl };
  [stack, browser] = await Promise.all([startStack({ workerEnv }), openBrowser()]);
});

afterAll(async () => {
  await browser?.close();
  await stack?.stop();
  await kokoro?.close();
});

const world = { stack: () => stack, browser: () => browser };

describeCallbacks(world);
describePage(world);
describeWriting(world);
describeSharing(world);
describeEngines(world, () => kokoro);
describeGuarded(world);
describeWorkerLoss(world);
