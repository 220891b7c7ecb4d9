import type { WorkerConfig } from '@taleback/worker/src/config.ts';
import type { CliPorts, Environment } from './cli-ports.ts';

/**
 * The configuration with what the command line says in its place.
 *
 * @param overrides variables; undefined ones leave the environment's
 * @throws Error `configuration: …` that names every variable at fault
 */
export const readConfig = async (
  { readEnvironment, parseConfig }: Pick<CliPorts, 'readEnvironment' | 'parseConfig'>,
  overrides: Environment = {},
): Promise<{ readonly config: WorkerConfig; readonly environment: Environment }> => {
  const given = Object.fromEntries(Object.entries(overrides).filter(([, value]) => value !== undefined));
  const environment = { ...(await readEnvironment()), ...given };
  return { config: await parseConfig(environment), environment };
};
