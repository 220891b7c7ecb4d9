import { realpath, stat, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Command } from 'commander';
import { CommandFailed, UsageError } from '../exit-code.ts';
import { parseSpeed, readConfig, readText, stopSignal } from '../options.node.ts';
import { createProgressBar, terminal } from '../terminal.ts';

const EXAMPLES = `
Examples:
  taleback synthesize "Once upon a time." --out tale.mp3
  taleback synthesize --file tale.txt --voice slt --speed 0.9 --out tale.wav
  echo "Once upon a time." | taleback synthesize - --out - > tale.mp3

The ending of FILE chooses MP3 or WAV; standard output gets MP3 unless --format says otherwise.`;

interface SynthesizeFlags {
  readonly out: string;
  readonly file?: string;
  readonly format?: string;
  readonly voice?: string;
  readonly language: string;
  readonly speed?: number;
  readonly engine?: string;
}

type Format = 'mp3' | 'wav';

const formatOf = ({ out, format }: SynthesizeFlags): Format => {
  const ending = /\.([^./\\]+)$/.exec(basename(out))?.[1]?.toLowerCase();
  const wanted = format ?? (out === '-' ? 'mp3' : ending);
  if (wanted === 'mp3' || wanted === 'wav') return wanted;
  throw new UsageError(`--out ${out}: must end in .mp3 or .wav, or --format must say which.`);
};

/** Whole or not at all: a player never meets half a file. A device or a pipe is written to, and a link followed. */
const writeSound = async (path: string, bytes: Uint8Array): Promise<void> => {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (found !== undefined && !found.isFile()) return writeFile(path, bytes);
  const { writeWhole } = await import('@taleback/outbox/files');
  await writeWhole(found === undefined ? path : await realpath(path), bytes);
};

const runSynthesize = async (given: string | undefined, flags: SynthesizeFlags): Promise<void> => {
  const format = formatOf(flags);
  const text = await readText(given, flags.file);
  // Someone who asks for one text knows what else the machine has to do.
  const { config } = await readConfig({ SYSTEM_PROTECTION: 'off', ENGINES: flags.engine });
  const signal = stopSignal();
  const bar = createProgressBar('Speaking', terminal.live);
  const { createMp3ThreadEncoder, createWavEncoder } = await import('@taleback/speech');
  const { withNarrator } = await import('../speech.ts');
  const encoder = format === 'mp3' ? createMp3ThreadEncoder() : createWavEncoder();
  const request = { text, voiceId: flags.voice, language: flags.language, speed: flags.speed };
  try {
    await withNarrator(config, encoder, signal, async (narrate) => {
      bar.show(0);
      const spoken = await narrate(request, { signal, onProgress: bar.show });
      bar.clear();
      if (flags.out === '-') await terminal.writeOut(spoken.bytes);
      else await writeSound(flags.out, spoken.bytes);
      const seconds = (spoken.durationMs / 1000).toFixed(1);
      terminal.live?.(`${flags.out}: ${seconds} s, ${spoken.voiceId} of ${spoken.engine}\n`);
    });
  } catch (error) {
    bar.clear();
    throw signal.aborted ? new CommandFailed('Interrupted.') : error;
  }
};

export const addSynthesizeCommand = (program: Command): void => {
  program
    .command('synthesize')
    .summary('read a text aloud into a file')
    .description('Reads a text aloud into an MP3 or WAV file, with the engines of the worker.')
    .argument('[text]', 'what to say; - reads standard input')
    .requiredOption('--out <file>', 'where to; - is standard output')
    .option('--file <file>', 'read the text from a file')
    .option('--format <mp3|wav>', 'in place of the ending of FILE')
    .option('--voice <id>', 'default: the first voice that speaks the language')
    .option('--language <tag>', 'BCP 47', 'en')
    .option('--speed <rate>', 'rate of speech, 0.5 to 2', parseSpeed)
    .option('--engine <name>', 'only this engine, in place of ENGINES')
    .addHelpText('after', EXAMPLES)
    .action(runSynthesize);
};
