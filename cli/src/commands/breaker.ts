import type { Command } from 'commander';
import { CommandFailed, UsageError } from '../exit-code.ts';
import { parseBaseUrl, readConfig } from '../options.node.ts';
import { terminal } from '../terminal.ts';
import type { NamedBreaker } from '../worker-client.ts';

const EXAMPLES = `
Examples:
  taleback breaker list
  taleback breaker reset kokoro
  taleback breaker reset

The running worker is asked at HEALTH_HOST and HEALTH_PORT, or at --url. A reset needs its token, which is in OUTBOX_FOLDER.`;

interface BreakerFlags {
  readonly url?: string;
  readonly json?: boolean;
}

const openClient = async ({ url }: BreakerFlags) => {
  const { createWorkerClient, workerUrl } = await import('../worker-client.ts');
  const { readWorkerToken } = await import('@taleback/worker/src/health/worker-token.node.ts');
  const { config } = await readConfig();
  const found = url ?? workerUrl(config.health);
  if (found === undefined) throw new UsageError('HEALTH_PORT is 0: --url says where the worker listens.');
  return createWorkerClient(found, await readWorkerToken(config.callbacks.outbox.folder));
};

const listBreakers = async (flags: BreakerFlags): Promise<void> => {
  const client = await openClient(flags);
  const breakers = await client.breakers();
  if (breakers === undefined) throw new CommandFailed(`No worker runs at ${client.url}.`);
  if (flags.json === true) return terminal.out(JSON.stringify(breakers, null, 2));
  if (breakers.length === 0) return terminal.out('The worker has no circuit breaker yet.');
  const width = Math.max(...breakers.map(({ name }) => name.length));
  for (const breaker of breakers) {
    const state = breaker.state.padEnd('HALF_OPEN'.length);
    terminal.out([breaker.name.padEnd(width), state, ...historyOf(breaker)].join('  ').trimEnd());
  }
};

const timeOf = (atMs: number): string => new Date(atMs).toISOString();

const historyOf = (breaker: NamedBreaker): readonly string[] => {
  const { consecutiveFailures = 0, retryAtMs, lastFailure, lastSuccessAtMs } = breaker;
  return [
    ...(consecutiveFailures === 0 ? [] : [`failed ${consecutiveFailures} in a row`]),
    ...(retryAtMs === undefined ? [] : [`next trial ${timeOf(retryAtMs)}`]),
    ...(lastFailure === undefined
      ? []
      : [`last failure ${timeOf(lastFailure.atMs)} ${lastFailure.code}: ${lastFailure.message}`]),
    ...(lastSuccessAtMs === undefined ? [] : [`last success ${timeOf(lastSuccessAtMs)}`]),
  ];
};

const resetBreakers = async (name: string | undefined, flags: BreakerFlags): Promise<void> => {
  await (await openClient(flags)).reset(name);
  terminal.out(name === undefined ? 'Reset all circuit breakers.' : `Reset the circuit breakers of ${name}.`);
};

/** `taleback breaker list` and `taleback breaker reset` */
export const addBreakerCommand = (program: Command): void => {
  const breaker = program
    .command('breaker')
    .summary('show or reset the circuit breakers of the running worker')
    .description('Shows or resets the circuit breakers of the worker that runs here.')
    .addHelpText('after', EXAMPLES);
  breaker
    .command('list')
    .description(
      'Shows every circuit breaker: its state, failures in a row, last failure, last success, next trial.',
    )
    .option('--json', 'a JSON array on standard output', false)
    .option('--url <url>', 'health server of the worker', parseBaseUrl)
    .action(listBreakers);
  breaker
    .command('reset')
    .description('Closes the circuit breakers of an engine, or of all.')
    .argument('[engine]', 'such as kokoro; default: all')
    .option('--url <url>', 'health server of the worker', parseBaseUrl)
    .action(resetBreakers);
};
