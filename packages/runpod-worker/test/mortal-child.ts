import { openRunpodOutbox, type ResultOutbox, serveRunpod } from '../src/serve.node.ts';

/** Where a worker of `mortal-worker.test.ts` kills itself, as nothing else could: at exactly this step. */
export type DeathPoint = 'taken' | 'keeping' | 'kept' | 'accepted';

const dieAt = process.env['DIE_AT'] as DeathPoint | undefined;
const die = (point: DeathPoint): void => {
  if (point === dieAt) process.kill(process.pid, 'SIGKILL');
};

const open = async (folder: string): Promise<ResultOutbox> => {
  const outbox = await openRunpodOutbox(folder);
  return {
    ...outbox,
    keepJob: async (taken) => {
      await outbox.keepJob(taken);
      die('taken');
    },
    keepResult: async (result) => {
      die('keeping');
      await outbox.keepResult(result);
      die('kept');
    },
    forget: async (key) => {
      die('accepted');
      await outbox.forget(key);
    },
  };
};

const worker = serveRunpod(
  (job) => {
    process.stdout.write(`running ${job.id}\n`);
    if (job.input === 'hang') return new Promise(() => {});
    return { from: process.pid, said: job.input };
  },
  { outbox: await open(process.env['OUTBOX'] ?? '') },
);
process.stdout.write('serving\n');
await worker.ended;
