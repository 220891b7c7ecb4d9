/**
 * A RunPod worker. In RunPod's cloud it finds its own queue; with `--serve` it is an endpoint on this machine:
 *
 *     node --conditions=@taleback/source packages/runpod-worker/examples/runpod-echo.ts --serve
 *     curl -H 'content-type: application/json' -d '{"input":{"text":"hello"}}' http://127.0.0.1:8000/runsync
 */
import { type RunpodHandler, serveRunpod } from '@taleback/runpod-worker';
import { serveRunpodLocally } from '@taleback/runpod-worker/local';

const handler: RunpodHandler = async (job, { progress }) => {
  progress({ percent: 50 });
  return { echo: job.input };
};

if (process.argv.includes('--serve')) {
  const { url } = await serveRunpodLocally(handler, { port: 8000 });
  process.stdout.write(`Serving ${url}\n`);
} else {
  await serveRunpod(handler).ended;
}
