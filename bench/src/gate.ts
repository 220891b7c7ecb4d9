import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { measureMemory } from '@taleback/e2e/src/function-memory.ts';
import { type Hostile, hostileBodies, post, serveFunction } from '@taleback/e2e/src/framework.ts';
import { buildFunctions } from '@taleback/scripts/src/build/deployed.ts';
import { inRoot } from '@taleback/scripts/src/paths.ts';
import { atMost, type BenchResult, below, elapsedMs, judged } from './measure.ts';

const AT_ONCE = 12;
const MAX_ANSWER_MS = 2_000;
const MAX_PEAK_MB = 200;
/** Of a function's memory: the rest is for what an instance collects in its life. */
const MAX_MEMORY_SHARE = 0.9;
const EMPTY_FUNCTION = 'export const tts = (request, response) => void response.status(200).send("");\n';

/** The longest answer to one body, and the peak memory of a function that is sent each so many times at once. */
const measure = async (
  source: string,
  bodies: readonly Hostile[],
  atOnce: number,
  logs: string,
): Promise<{ readonly slowestMs: number; readonly peakMb: number }> => {
  const served = await serveFunction(source, 'tts', logs, {
    CALLBACK_SECRETS: 'hmac_shared-with-the-python-handlers',
    GCLOUD_PROJECT: 'demo-gate',
  });
  let slowestMs = 0;
  try {
    const url = `${served.baseUrl}/api/tts/callback`;
    for (const hostile of bodies) {
      const send = async (): Promise<void> => {
        // A platform that runs out of memory ends its connections.
        const answered = await post(url, hostile).then(
          (answer) => answer.text(),
          () => undefined,
        );
        if (answered === undefined) slowestMs = Number.POSITIVE_INFINITY;
      };
      slowestMs = Math.max(slowestMs, await elapsedMs(send));
      await Promise.all(Array.from({ length: atOnce }, send));
    }
    return { slowestMs, peakMb: (await served.peakBytes()) / 1e6 };
  } finally {
    await served.stop();
  }
};

/**
 * What hostile bodies cost the deployed receiver behind Google's functions-framework, beside what the smallest of them
 * costs a function that does nothing: there the framework itself inflates and parses. And what each function takes of its
 * memory when an instance is as busy as it may be.
 */
export const run = async (): Promise<BenchResult> => {
  const folder = await mkdtemp(join(tmpdir(), 'taleback-bench-gate-'));
  const empty = join(folder, 'empty');
  try {
    await mkdir(empty);
    await writeFile(join(empty, 'package.json'), '{"type":"module","main":"index.js"}');
    await writeFile(join(empty, 'index.js'), EMPTY_FUNCTION);
    await buildFunctions();
    const bodies = Object.values(hostileBodies());
    const ours = await measure(inRoot('functions/dist'), bodies, AT_ONCE, folder);
    // More than the smallest, once, would take gigabytes and minutes.
    const peer = await measure(empty, bodies.slice(0, 1), 1, folder);
    const memory = Object.entries(await measureMemory(inRoot('functions/dist'), folder));
    for (const [name, { peakMb, share, lost }] of memory)
      process.stdout.write(
        `${name}: ${Math.round(peakMb)} MB, ${Math.round(100 * share)} % of its memory, ${lost} requests lost\n`,
      );
    const figures = {
      ...Object.fromEntries(memory.map(([name, { peakMb }]) => [`${name}PeakMb`, peakMb])),
      largestMemoryShare: Math.max(...memory.map(([, { share }]) => share)),
      lostRequests: memory.reduce((sum, [, { lost }]) => sum + lost, 0),
      slowestAnswerMs: ours.slowestMs,
      peakMb: ours.peakMb,
      emptySlowestAnswerMs: peer.slowestMs,
      emptyPeakMb: peer.peakMb,
      peakRatio: ours.peakMb / peer.peakMb,
    };
    return judged('gate', figures, {
      slowestAnswerMs: atMost(MAX_ANSWER_MS),
      peakMb: below(MAX_PEAK_MB),
      largestMemoryShare: atMost(MAX_MEMORY_SHARE),
      lostRequests: atMost(0),
    });
  } finally {
    await rm(folder, { recursive: true });
  }
};
