import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createNames } from '@taleback/core';
import { parseSecret, signStandard } from '@taleback/core/signatures';
import { FRAMEWORK, memoryOf } from '@taleback/e2e/src/framework.ts';
import { buildFunctions } from '@taleback/scripts/src/build/deployed.ts';
import { startStores } from '@taleback/scripts/src/emulators/stores.ts';
import { inRoot } from '@taleback/scripts/src/paths.ts';
import { createPortPicker } from '@taleback/scripts/src/process/free-port.ts';
import { build } from 'esbuild';
import { atMost, type BenchResult, interleaved, judged, median, pairedRatio } from './measure.ts';

const ROUNDS = 7;
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=';
const PROJECT = 'demo-cold-start';
const MAX_MEMORY_MB = 90;
/** Between two tries to reach a process that does not listen yet, milliseconds. */
const POLL_MS = 5;
const GIVE_UP_MS = 60_000;
const BARE = `require('node:http').createServer((q, s) => q.resume().on('end', () => s.end('{}'))).listen(+process.env.PORT, '127.0.0.1')`;

interface Started {
  readonly ms: number;
  readonly memoryMb: number;
}

let stories = 0;

/** Writes a story under way, and signs the callback that ends it. */
const newCallback = async (firestore: string): Promise<RequestInit> => {
  stories += 1;
  const storyId = `story-${stories}`;
  const documents = `http://${firestore}/v1/projects/${PROJECT}/databases/(default)/documents`;
  const fields = { userId: { stringValue: 'u1' }, audioStatus: { stringValue: 'processing' } };
  const written = await fetch(`${documents}/${createNames().collections.stories}/${storyId}`, {
    method: 'PATCH',
    headers: { authorization: 'Bearer owner', 'content-type': 'application/json' },
    body: JSON.stringify({ fields }),
  });
  if (!written.ok) throw new Error(`Firestore answered ${written.status}: ${await written.text()}`);
  const body = Buffer.from(JSON.stringify({ story_id: storyId, storage_path: 'narrations/a.mp3' }));
  const message = { id: storyId, timestampSeconds: Date.now() / 1000, body };
  const headers = { 'content-type': 'application/json', ...signStandard(message, [parseSecret(SECRET)]) };
  return { method: 'POST', headers, body };
};

/** Sends a request until something listens. */
const firstAnswer = async (url: string, request: RequestInit): Promise<Response> => {
  const endsAt = performance.now() + GIVE_UP_MS;
  for (;;) {
    try {
      return await fetch(url, request);
    } catch (error) {
      if (performance.now() > endsAt) throw error;
      await sleep(POLL_MS);
    }
  }
};

/**
 * From the start of a process to the answer of its first callback, which is written by then: the product's own server and the
 * deployed function, each over Node's own server that answers and does nothing. Firestore and Pub/Sub are emulators.
 */
export const run = async (): Promise<BenchResult> => {
  const folder = await mkdtemp(join(tmpdir(), 'taleback-bench-cold-'));
  const pickPort = createPortPicker();
  const stores = await startStores(folder);
  const firestore = process.env['FIRESTORE_EMULATOR_HOST'] ?? '';
  const memory = { own: [] as number[], function: [] as number[] };
  let child: ChildProcess | undefined;
  /** @param args of Node, for a port */
  const start = (args: (port: number) => readonly string[]) => async (): Promise<Started> => {
    const [port, request] = [await pickPort(), await newCallback(firestore)];
    const since = performance.now();
    child = spawn(process.execPath, args(port), {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        ...process.env,
        PORT: String(port),
        HOST: '127.0.0.1',
        CALLBACK_SECRETS: SECRET,
        PUBLIC_BASE_URL: `http://127.0.0.1:${port}`,
        GOOGLE_CLOUD_PROJECT: PROJECT,
        GCLOUD_PROJECT: PROJECT,
        FUNCTION_TARGET: 'tts',
      },
    });
    const answer = await firstAnswer(`http://127.0.0.1:${port}/api/tts/callback`, request);
    const ms = performance.now() - since;
    if (answer.status !== 200) throw new Error(`${answer.status}: ${await answer.text()}`);
    const { peakBytes } = await memoryOf(child.pid ?? 0);
    child.kill('SIGKILL');
    await once(child, 'exit');
    return { ms, memoryMb: peakBytes / 1e6 };
  };
  try {
    await buildFunctions();
    const own = join(inRoot('functions/dist'), 'own.mjs');
    await build({
      entryPoints: [inRoot('functions/src/main.ts')],
      outfile: own,
      bundle: true,
      platform: 'node',
      format: 'esm',
      conditions: ['@taleback/source'],
      external: ['firebase-admin', 'google-auth-library', 'undici', 'firebase-functions', 'express'].flatMap(
        (name) => [name, `${name}/*`],
      ),
    });
    const contestants = {
      bare: start(() => ['-e', BARE]),
      own: start(() => [own]),
      function: start((port) => [
        FRAMEWORK,
        `--source=${inRoot('functions/dist')}`,
        '--target=tts',
        `--port=${port}`,
        '--signature-type=http',
      ]),
    };
    const costs = await interleaved(contestants, ROUNDS, async (begin) => {
      const { ms, memoryMb } = await begin();
      if (begin === contestants.own) memory.own.push(memoryMb);
      if (begin === contestants.function) memory.function.push(memoryMb);
      return ms;
    });
    const figures = {
      bareMs: median(costs.bare),
      ownMs: median(costs.own),
      functionMs: median(costs.function),
      ownOverBare: pairedRatio(costs.own, costs.bare),
      functionOverBare: pairedRatio(costs.function, costs.bare),
      ownMemoryMb: median(memory.own),
      functionMemoryMb: median(memory.function),
    };
    return judged('cold-start', figures, {
      ownOverBare: atMost(2),
      functionOverBare: atMost(5),
      ownMemoryMb: atMost(MAX_MEMORY_MB),
      functionMemoryMb: atMost(MAX_MEMORY_MB),
    });
  } finally {
    child?.kill('SIGKILL');
    await stores.stop();
    await rm(folder, { recursive: true, force: true });
  }
};
