import { createRunpodHttp } from '../src/http.node.ts';
import { serveRunpod } from '../src/index.ts';

/** Where a worker of `mortal-worker.test.ts` kills itself, as nothing else could: at exactly this step. */
export type DeathPoint = 'taken' | 'keeping' | 'kept' | 'accepted';

const dieAt = process.env['DIE_AT'] as DeathPoint | undefined;
const die = (point: DeathPoint): void => {
  if (point === dieAt) process.kill(process.pid, 'SIGKILL');
};

const { send } = createRunpodHttp();

const worker = serveRunpod(
  (job) => {
    // The job is kept.
    die('taken');
    process.stdout.write(`running ${job.id}\n`);
    if (job.input === 'hang') return new Promise(() => {});
    const output = { from: process.pid, said: job.input };
    const toJSON = (): object => {
      // The result is put into words, and kept next.
      die('keeping');
      return output;
    };
    return { ...output, toJSON };
  },
  {
    outboxFolder: process.env['OUTBOX'] ?? '',
    http: async (request) => {
      const isResult = request.url.includes('/job-done/');
      if (isResult) die('kept');
      const answer = await send(request);
      if (isResult && answer.status === 200) die('accepted');
      return answer;
    },
  },
);
process.stdout.write('serving\n');
await worker.ended;
process.exit(0);
