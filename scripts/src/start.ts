import { relative } from 'node:path';
import { buildFunctions, buildWeb } from './build/deployed.ts';
import { parseCommandLine } from './command-line.ts';
import { announceStack } from './stack/addresses.ts';
import { pageUrlAs } from './stack/reader.ts';
import { startReceiver } from './stack/receiver.ts';
import { startStack } from './stack/stack.ts';
import { runTour } from './tour.ts';

const READER = 'demo-reader';

const { values: flags } = parseCommandLine({
  usage: `Runs the whole stack on this machine, and narrates a first story.

  npm start [-- --once] [--json] [--no-build]
  npm start -- --receiver [--json]

  --once       leave when the stories are narrated
  --json       print one JSON object as the last line, everything else on the error output
  --no-build   run what was built before
  --receiver   only the receiver, with the Firestore and Pub/Sub emulators; it uses CALLBACK_SECRETS and the other
               variables of the environment
`,
  options: {
    once: { type: 'boolean', default: false },
    receiver: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    'no-build': { type: 'boolean', default: false },
  },
});

const startedAt = Date.now();
const say = (line: string): void => {
  const at = `${((Date.now() - startedAt) / 1000).toFixed(1)} s`.padStart(8);
  (flags.json ? process.stderr : process.stdout).write(`${at}  ${line}\n`);
};

let running: { readonly stop: () => Promise<void> } | undefined;
let stopping: Promise<void> | undefined;
const stop = (): Promise<void> => {
  stopping ??= running?.stop() ?? Promise.resolve();
  return stopping;
};

/** Resolves with why everything has to end. What is still starting then ends when this process exits. */
const interrupted = new Promise<string>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve(signal));
});

const runReceiver = async (): Promise<void> => {
  const receiver = await startReceiver((severity, message, fields) =>
    say(`${severity}  ${message}  ${JSON.stringify(fields ?? {})}`),
  );
  running = receiver;
  const { url, firestore, pubsub, project } = receiver.addresses;
  if (flags.json) process.stdout.write(`${JSON.stringify(receiver.addresses)}\n`);
  say(`Callbacks are received at   ${url}/api/tts/callback`);
  say(`Firestore emulator          ${firestore}`);
  say(`Pub/Sub emulator            ${pubsub}`);
  say(`Project                     ${project}`);
  say('Ctrl-C stops everything.');
  await interrupted;
};

const runStack = async (): Promise<void> => {
  if (!flags['no-build']) {
    await Promise.all([buildFunctions(), buildWeb()]);
    say('Built functions and page');
  }
  const stack = await startStack({ wellKnownPorts: true, onReady: (part) => say(`${part} is up`) });
  const { addresses } = stack;
  await announceStack(addresses, stack.secret);
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
  const ending = await Promise.race([flags.receiver ? runReceiver() : runStack(), interrupted]);
  if (ending !== undefined) say(`Stopping (${ending})`);
} catch (error) {
  process.stderr.write(`start: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
await stop();
process.exit();
