import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closedPort } from '../../../packages/speech/test/diagnosis/servers.ts';

/** A folder to run the command line in. */
export interface CliFolder {
  readonly path: string;
  /** Of a worker that has all it needs in the folder, and does not run. */
  readonly env: Readonly<Record<string, string>>;
  readonly remove: () => Promise<void>;
}

export const openCliFolder = async (): Promise<CliFolder> => {
  const path = await mkdtemp(join(tmpdir(), 'taleback-cli-'));
  await mkdir(join(path, 'audio'));
  return {
    path,
    env: {
      AUDIO_FOLDER: join(path, 'audio'),
      OUTBOX_FOLDER: join(path, 'outbox'),
      CONTROL_FILE: join(path, 'control.env'),
      HEALTH_PORT: String(await closedPort()),
      JOB_SOURCE: 'runpod-dev',
    },
    remove: () => rm(path, { recursive: true, force: true }),
  };
};

/** For checks on a machine that has other things to do. */
export const PATIENT: readonly string[] = ['--timeout', '50'];
