/**
 * A RunPod worker. In RunPod's cloud it finds its queue by itself; with `--serve` it is an endpoint on this machine:
 *
 *     node --import tsx worker/examples/runpod-echo.ts --serve
 *     curl -d '{"input":{"text":"hello"}}' http://127.0.0.1:8000/runsync
 */
import { type RunpodHandler, serveRunpod } from '@taleback/worker/runpod';
import { serveRunpodLocally } from '@taleback/worker/runpod-dev';

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
