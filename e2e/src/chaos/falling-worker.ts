import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../../worker/src/main.ts', import.meta.url));

/** What a worker needs that speaks with the shipped engine, on a machine that it shares with everything else. */
export const workerEnvironment = (
  projectId: string,
  callbackSecrets: string,
  audioFolder: string,
): Readonly<Record<string, string>> => ({
  GCLOUD_PROJECT: projectId,
  GOOGLE_CLOUD_PROJECT: projectId,
  PUBSUB_EMULATOR_HOST: process.env['PUBSUB_EMULATOR_HOST'] ?? '',
  METADATA_SERVER_DETECTION: 'none',
  GCE_METADATA_HOST: '127.0.0.1:9',
  CALLBACK_SECRETS: callbackSecrets,
  ALLOW_PRIVATE_CALLBACKS: 'on',
  CALLBACK_RETRY_FIRST_SECONDS: '0.2',
  CALLBACK_RETRY_MOST_SECONDS: '2',
  AUDIO_FOLDER: audioFolder,
  AUDIO_PORT: '0',
  HEALTH_PORT: '0',
  JOB_CONCURRENCY: '4',
  JOB_ACK_DEADLINE_SECONDS: '10',
  SYSTEM_PROTECTION: 'off',
});

const LEAVES_WITHIN_MS = 30_000;

const kill = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal);
  } catch {
    // It is gone already.
  }
};

/** What a process has started, by Linux's word. */
const childrenOf = async (pid = 0): Promise<number[]> => {
  try {
    const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return text.split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
};

/** A worker as its users run it, which is killed now and then and comes back with the same folders. */
export const startFallingWorker = (environment: Readonly<Record<string, string>>, logFile: string) => {
  const log = createWriteStream(logFile, { flags: 'a' });
  let falls = 0;
  let isStopping = false;
  let child: ChildProcess;
  let gone: Promise<unknown>;
  const ready = Promise.withResolvers<void>();
  const start = (): void => {
    child = spawn(process.execPath, ['--conditions=@taleback/source', MAIN], {
      env: {
        PATH: process.env['PATH'],
        NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
        ...environment,
      },
      // The channel closes with this process, however that ends, and the worker then ends.
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    child.stderr?.pipe(log, { end: false });
    child.stderr?.on('data', (lines: Buffer) => {
      if (lines.includes('"worker ready"')) ready.resolve();
    });
    gone = once(child, 'close');
  };
  start();
  return {
    /** Of the current process. */
    pid: () => child.pid ?? 0,
    /** Resolves when it takes jobs for the first time. */
    ready: ready.promise,
    /** Ends it as the kernel would, and starts it again after this many milliseconds. */
    fall: async (forMs: number): Promise<void> => {
      falls += 1;
      child.kill('SIGKILL');
      await gone;
      await sleep(forMs);
      if (!isStopping) start();
    },
    /** Ends the processes that speak for it, which it has to replace. */
    loseVoice: async (): Promise<void> => {
      falls += 1;
      for (const pid of await childrenOf(child.pid)) kill(pid, 'SIGKILL');
    },
    /** Asks it to leave, and waits. */
    stop: async (): Promise<void> => {
      isStopping = true;
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), LEAVES_WITHIN_MS);
      await gone;
      clearTimeout(timer);
      log.end();
    },
    falls: () => falls,
  };
};
