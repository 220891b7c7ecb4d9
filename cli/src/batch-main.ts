import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createMp3ThreadEncoder } from '@taleback/speech/src/audio/index.ts';
import { batchLines, narrateBatch } from './batch/index.ts';
import { parseConfig, readEnvironment } from '@taleback/worker/src/config.ts';
import type { Log } from '@taleback/core';
import { openSpeech } from '@taleback/worker/src/open-speech.ts';

const USAGE = `Narrates a list of stories into MP3 files.

    npm run batch -- STORIES.jsonl [--out FOLDER]

Each line of the file is a JSON object {"text": ..., "id"?, "voice_id"?, "language"?, "speed"?}, or a JSON string.
Writes FOLDER/<id>.mp3 and FOLDER/report.json. FOLDER is "batch" unless it is named. A story that fails never stops the
others. Ends with 0 when every story was narrated, 1 when one was not, 2 when the list cannot be read.
`;

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** Only what speaks against the run; each story has a line of its own. */
const log: Log = (severity, message, fields) => {
  if (severity === 'error') say(`${message} ${JSON.stringify(fields ?? {})}`);
};

const runBatchFile = async (file: string, folder: string): Promise<number> => {
  const lines = batchLines(await readFile(file, 'utf8'));
  await mkdir(folder, { recursive: true });
  const environment = readEnvironment();
  const config = parseConfig(environment);
  const speech = await openSpeech({
    engines: config.engines,
    speech: config.speech,
    protection: config.protection,
    environment,
    log,
  });
  const encoder = createMp3ThreadEncoder();
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  try {
    await speech.chain.initialize();
    const batch = await narrateBatch(lines, {
      narrate: speech.chain.narrator(encoder),
      keep: async ({ id }, mp3) => {
        await writeFile(join(folder, `${id}.mp3`), mp3);
        return `${id}.mp3`;
      },
      concurrency: config.concurrency,
      signal: stop.signal,
      onItem: (item) => {
        const { lineNumber } = item.input;
        if (item.outcome === 'done') say(`line ${lineNumber}: ${item.output.file}`);
        else if (item.outcome === 'failed') say(`line ${lineNumber}: failed, ${item.error.message}`);
      },
      now: Date.now,
    });
    await writeFile(join(folder, 'report.json'), `${JSON.stringify(batch, null, 2)}\n`);
    const { done, failed, skipped, total } = batch;
    say(`${done} of ${total} narrated, ${failed} failed, ${skipped} skipped: ${join(folder, 'report.json')}`);
    return done === total ? 0 : 1;
  } finally {
    await encoder.close();
    await speech.close();
  }
};

const main = async (): Promise<number> => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { out: { type: 'string', default: 'batch' }, help: { type: 'boolean', default: false } },
  });
  const [file] = positionals;
  if (values.help || file === undefined || positionals.length > 1) {
    process.stderr.write(USAGE);
    return values.help ? 0 : 2;
  }
  return runBatchFile(file, values.out);
};

try {
  process.exitCode = await main();
} catch (error) {
  say(`batch: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
}
