import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { UsageError } from '../exit-code.ts';
import { readConfig, stopSignal } from '../options.node.ts';
import { terminal } from '../terminal.ts';

const EXAMPLES = `
Examples:
  taleback batch stories.jsonl --out tales

Each line of the file is a JSON object {"text": ..., "id"?, "voice_id"?, "language"?, "speed"?}, or a JSON string.
Writes FOLDER/<id>.mp3 and FOLDER/report.json. A story that fails never stops the others. Ends with 0 when every story was
narrated, 1 when one was not, 2 when the list cannot be read.`;

const say = (line: string): void => terminal.err(`${line}\n`);

const runBatch = async (file: string, { out: folder }: { readonly out: string }): Promise<void> => {
  const content = await readFile(file, 'utf8').catch((error: Error) => {
    throw new UsageError(`${file}: ${error.message}`);
  });
  const { config } = await readConfig();
  const { batchLines, narrateBatch } = await import('../batch/narrate-batch.ts');
  const { createMp3ThreadEncoder } = await import('@taleback/speech');
  const { withNarrator } = await import('../speech.ts');
  const lines = batchLines(content);
  const { makeFolder } = await import('@taleback/outbox/files');
  try {
    makeFolder(folder);
  } catch (error) {
    throw new UsageError(`--out ${folder}: ${(error as Error).message}`);
  }
  const signal = stopSignal();
  await withNarrator(config, createMp3ThreadEncoder(), signal, async (narrate) => {
    const batch = await narrateBatch(lines, {
      narrate,
      keep: async ({ id }, mp3) => {
        await writeFile(join(folder, `${id}.mp3`), mp3);
        return `${id}.mp3`;
      },
      concurrency: config.concurrency,
      signal,
      onItem: (item) => {
        const { lineNumber } = item.input;
        if (item.outcome === 'done') say(`line ${lineNumber}: ${item.output.file}`);
        else if (item.outcome === 'failed') say(`line ${lineNumber}: failed, ${item.error.message}`);
      },
      now: Date.now,
    });
    const report = join(folder, 'report.json');
    await writeFile(report, `${JSON.stringify(batch, null, 2)}\n`);
    const { done, failed, skipped, total } = batch;
    say(`${done} of ${total} narrated, ${failed} failed, ${skipped} skipped: ${report}`);
    if (done < total) process.exitCode = 1;
  });
};

export const addBatchCommand = (program: Command): void => {
  program
    .command('batch')
    .summary('read a list of stories aloud into files')
    .description('Reads a list of stories aloud into MP3 files, with the engines of the worker.')
    .argument('<file>', 'a file of JSON lines')
    .option('--out <folder>', 'where to', 'batch')
    .addHelpText('after', EXAMPLES)
    .action(runBatch);
};
