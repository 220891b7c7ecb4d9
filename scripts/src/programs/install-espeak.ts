import { spawnSync } from 'node:child_process';

const runs = (command: string, args: readonly string[]): boolean =>
  spawnSync(command, args, { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } })
    .status === 0;

const isInstalled = (): boolean => runs('espeak-ng', ['--version']);

/**
 * Puts espeak-ng on a Debian or Ubuntu machine where this may be done without asking, as in CI. The Python child's
 * tests speak with it; where it is missing they are counted as skipped.
 *
 * @returns a sentence when it is not there in the end
 */
export const installEspeak = (): string | undefined => {
  if (isInstalled()) return undefined;
  if (process.platform === 'linux' && process.getuid?.() === 0) {
    const install = ['install', '-y', '--no-install-recommends', 'espeak-ng'];
    // The lists of packages may be missing or old.
    if (!runs('apt-get', install) && runs('apt-get', ['update'])) runs('apt-get', install);
  }
  return isInstalled()
    ? undefined
    : 'espeak-ng is not installed (apt-get install espeak-ng): its tests are skipped.';
};
