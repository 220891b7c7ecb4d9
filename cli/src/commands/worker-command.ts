import type { Command } from 'commander';
import type { CliPorts } from '../cli-ports.ts';
import { readConfig } from '../read-config.ts';

const EXAMPLES = `
Examples:
  taleback worker --restart
  JOB_SOURCE=runpod taleback worker

Every setting is a variable of the environment: docs/configuration.md lists them.`;

/** `taleback worker` */
export const addWorkerCommand = (program: Command, ports: CliPorts): void => {
  program
    .command('worker')
    .summary('take jobs and narrate them')
    .description('Runs the worker until it is told to stop (SIGTERM drains it).')
    .option('--restart', 'start it again when it ends with an error', false)
    .addHelpText('after', EXAMPLES)
    .action(async ({ restart }: { restart: boolean }) => {
      // Told here in one sentence, before the worker's own log begins.
      await readConfig(ports);
      await ports.runWorker(restart);
    });
};
