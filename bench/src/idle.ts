import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildPackages } from '@taleback/scripts/src/build/packages.ts';
import { startStores } from '@taleback/scripts/src/emulators/stores.ts';
import { inRoot } from '@taleback/scripts/src/paths.ts';
import { atMost, type BenchResult, judged, rounded } from './measure.ts';

/** What loading has left behind is collected by then. */
const SETTLE_MS = 15_000;
const IDLE_MS = 60_000;
/** Of the kernel's clock ticks. */
const TICK_MS = 10;

const readProc = (pid: number, file: string): Promise<string> => readFile(`/proc/${pid}/${file}`, 'utf8');

/** Processor time so far, ms, and memory, MB, of a process and its children together. */
const measure = async (pid: number) => {
  const children = (await readProc(pid, `task/${pid}/children`)).split(' ').filter(Boolean);
  let cpuMs = 0;
  let memoryMb = 0;
  for (const each of [pid, ...children.map(Number)]) {
    const fields = (await readProc(each, 'stat')).split(') ')[1]?.split(' ') ?? [];
    cpuMs += (Number(fields[11]) + Number(fields[12])) * TICK_MS;
    memoryMb += Number(/VmRSS:\s+(\d+)/.exec(await readProc(each, 'status'))?.[1]) / 1_000;
  }
  return { cpuMs, memoryMb, processes: children.length + 1 };
};

const start = (args: readonly string[], env: Readonly<Record<string, string | undefined>>) => {
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  return { pid: child.pid ?? 0, errors: child.stderr, exit: once(child, 'exit'), kill: () => child.kill() };
};

/** A worker of the built command line without any jobs, beside a Node that waits for a timer. On Linux only. */
export const run = async (): Promise<BenchResult> => {
  await buildPackages();
  const folder = await mkdtemp(join(tmpdir(), 'taleback-bench-idle-'));
  await mkdir(join(folder, 'audio'));
  const stores = await startStores(folder);
  const { PATH, PUBSUB_EMULATOR_HOST } = process.env;
  const worker = start([inRoot('cli/dist/cli.js'), 'worker'], {
    PATH,
    PUBSUB_EMULATOR_HOST,
    GCLOUD_PROJECT: 'demo-idle',
    AUDIO_FOLDER: join(folder, 'audio'),
    AUDIO_PORT: '0',
    HEALTH_PORT: '0',
    ENGINES: 'flite',
    OUTBOX_FOLDER: join(folder, 'outbox'),
    SPEECH_CACHE_FOLDER: join(folder, 'cache'),
    CONTROL_FILE: join(folder, 'control.env'),
    CALLBACK_SECRETS: `whsec_${randomBytes(32).toString('base64')}`,
  });
  const bare = start(['--eval', 'setInterval(() => {}, 1_000)'], { PATH });
  try {
    for await (const line of createInterface(worker.errors)) if (line.includes('worker ready')) break;
    worker.errors.resume();
    await sleep(SETTLE_MS);
    const [from, bareFrom] = [await measure(worker.pid), await measure(bare.pid)];
    await sleep(IDLE_MS);
    const [to, bareTo] = [await measure(worker.pid), await measure(bare.pid)];
    const percent = (ms: number): number => rounded((ms / IDLE_MS) * 100);
    const figures = {
      processes: to.processes,
      'CPU, % of a core': percent(to.cpuMs - from.cpuMs),
      'memory, MB': rounded(to.memoryMb),
      'bare Node, CPU, % of a core': percent(bareTo.cpuMs - bareFrom.cpuMs),
      'bare Node, memory, MB': rounded(bareTo.memoryMb),
    };
    return judged('idle', figures, {
      processes: { words: '2', isMet: (count) => count === 2 },
      'CPU, % of a core': atMost(0.5),
      'memory, MB': atMost(240),
    });
  } finally {
    for (const { kill, exit } of [worker, bare]) {
      kill();
      await exit;
    }
    await stores.stop();
    await rm(folder, { recursive: true, force: true });
  }
};
