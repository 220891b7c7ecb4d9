import { relative } from 'node:path';
import { buildFunctions, buildWeb } from './build/deployed.ts';
import { runScript, sentenceOf } from './command-line.ts';
import { announceStack } from './stack/addresses.ts';
import { pageUrlAs } from './stack/reader.ts';
import { startReceiver } from './stack/receiver.ts';
import { startStack } from './stack/stack.ts';
import { runTour } from './tour.ts';

const USAGE = `Runs the whole stack on this machine, and narrates a first story.

  npm start [-- --once] [--json] [--no-build]
  npm start -- --receiver [--json]

  --once       leave when the stories are narrated
  --json       print one JSON object as the last line, {"error": ...} when something failed; all else on the error output
  --no-build   run what was built before
  --receiver   only the receiver, with the Firestore and Pub/Sub emulators; it uses CALLBACK_SECRETS, GENERATE_SECRETS and
               the other variables of the environment
`;
const FLAG = { type: 'boolean', default: false } as const;
const OPTIONS = { once: FLAG, receiver: FLAG, json: FLAG, 'no-build': FLAG } as const;
const READER = 'demo-reader';

/** Resolves with the signal that ends everything. What is still starting then ends when this process exits. */
const interrupted = new Promise<string>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve(signal));
});

await runScript({ usage: USAGE, options: OPTIONS }, async (flags) => {
  const startedAt = Date.now();
  const say = (line: string): void => {
    const at = `${((Date.now() - startedAt) / 1000).toFixed(1)} s`.padStart(8);
    (flags.json ? process.stderr : process.stdout).write(`${at}  ${line}\n`);
  };
  const printResult = (result: object): void => {
    if (flags.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  };
  let running: { readonly stop: () => Promise<void> } | undefined;

  const runReceiver = async (): Promise<void> => {
    const receiver = await startReceiver((severity, message, fields) =>
      say(`${severity}  ${message}  ${JSON.stringify(fields ?? {})}`),
    );
    running = receiver;
    const { url, firestore, pubsub, project } = receiver.addresses;
    printResult(receiver.addresses);
    say(`Callbacks are received at   ${url}/api/tts/callback`);
    say(`Firestore emulator          ${firestore}`);
    say(`Pub/Sub emulator            ${pubsub}`);
    say(`Project                     ${project}`);
  };
  const runStack = async (): Promise<void> => {
    if (!flags['no-build']) {
      await Promise.all([buildFunctions(), buildWeb()]);
      say('Built functions and page');
    }
    const stack = await startStack({ wellKnownPorts: true, onReady: (part) => say(`${part} is up`) });
    running = stack;
    const { addresses } = stack;
    const { pageUrl, callbackUrl } = addresses;
    const { secret, generateSecret } = stack;
    await announceStack({ pageUrl, callbackUrl, secret, generateSecret });
    if (flags.once) return printResult(await runTour(stack, READER, say));
    say(`The page                    ${addresses.pageUrl}/`);
    say(`The same, as the reader     ${pageUrlAs(READER, addresses)}`);
    say(`Callbacks are received at   ${addresses.callbackUrl}`);
    say(`The worker's figures        ${addresses.workerHealthUrl}/health/status`);
    say(`Logs                        ${stack.folder}`);
    say(`Narration off               echo TTS_PROVIDER=disabled >> ${relative('', stack.controlFile)}`);
    try {
      printResult(await runTour(stack, READER, say));
    } catch (error) {
      printResult({ error: sentenceOf(error) });
      say(`${sentenceOf(error)}. The stack runs on, and the page can be used.`);
    }
  };
  const run = async (): Promise<undefined> => {
    await (flags.receiver ? runReceiver() : runStack());
    if (flags.once && !flags.receiver) return;
    say('Ctrl-C stops everything.');
    await interrupted;
  };

  try {
    const signal = await Promise.race([run().then(() => undefined), interrupted]);
    if (signal !== undefined) say(`Stopping (${signal})`);
  } catch (error) {
    printResult({ error: sentenceOf(error) });
    throw error;
  } finally {
    await running?.stop();
  }
  return 0;
});
process.exit();
