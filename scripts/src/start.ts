import { relative } from 'node:path';
import { parseArgs } from 'node:util';
import { buildFunctions } from './build/functions.ts';
import { buildWeb } from './build/web.ts';
import { announceStack, pageUrlAs, type Stack, startStack } from './stack/index.ts';
import { runTour } from './tour/tour.ts';

const READER = 'demo-reader';

const { values: flags } = parseArgs({
  options: {
    /** Take the tour, then leave. */
    once: { type: 'boolean', default: false },
    /** Print one JSON object as the last line, everything else on the error output. */
    json: { type: 'boolean', default: false },
  },
});

const startedAt = Date.now();
const say = (line: string): void => {
  const at = `${((Date.now() - startedAt) / 1000).toFixed(1)} s`.padStart(8);
  (flags.json ? process.stderr : process.stdout).write(`${at}  ${line}\n`);
};

let stack: Stack | undefined;
let stopping: Promise<void> | undefined;
const stop = (): Promise<void> => {
  stopping ??= stack?.stop() ?? Promise.resolve();
  return stopping;
};

/** How often it is looked whether npm, which passes signals on to its shell only, is still there, in milliseconds. */
const PARENT_CHECK_MS = 500;

/** Why everything shall end. What is still starting then is ended when this process exits. */
const interrupted = new Promise<string>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve(signal));
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && resolve('its parent is gone'), PARENT_CHECK_MS).unref();
});

const run = async (): Promise<void> => {
  await Promise.all([buildFunctions(), buildWeb()]);
  say('Built functions, worker and page');
  stack = await startStack({ wellKnownPorts: true, onReady: (part) => say(`${part} is up`) });
  const { addresses } = stack;
  await announceStack(stack);
  const result = await runTour(stack, READER, say);
  if (flags.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  if (flags.once) return;
  say('');
  say(`The page                    ${addresses.pageUrl}/`);
  say(`The same, as the reader     ${pageUrlAs(READER, addresses)}`);
  say(`Callbacks are received at   ${addresses.callbackUrl}`);
  say(`The worker's figures        ${addresses.workerHealthUrl}/health/status`);
  say(`Logs                        ${stack.folder}`);
  say(`Narration off               echo TTS_PROVIDER=disabled >> ${relative('', stack.controlFile)}`);
  say('Ctrl-C stops everything.');
  await interrupted;
};

try {
  const ending = await Promise.race([run(), interrupted]);
  if (ending !== undefined) say(`Stopping (${ending})`);
} catch (error) {
  process.stderr.write(`start: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
await stop();
process.exit();
