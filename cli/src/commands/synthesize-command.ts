import { realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Command } from 'commander';
import type { CliPorts } from '../cli-ports.ts';
import { CommandFailed, UsageError } from '../exit-code.ts';
import { parseSpeed } from '../parse-option.ts';
import { createProgressBar } from '../progress-bar.ts';
import { readConfig } from '../read-config.ts';
import { readText } from '../read-text.ts';

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

const FORMATS = ['mp3', 'wav'] as const;
type Format = (typeof FORMATS)[number];

const formatOf = ({ out, format }: SynthesizeFlags): Format => {
  const wished = format ?? (out === '-' ? 'mp3' : /\.([^./\\]+)$/.exec(basename(out))?.[1]?.toLowerCase());
  const found = FORMATS.find((known) => known === wished);
  if (found === undefined)
    throw new UsageError(`--out ${out}: must end in .mp3 or .wav, or --format must say which.`);
  return found;
};

/** What is there by that name; undefined when nothing is. */
const kindOf = async (path: string): Promise<'file' | 'other' | undefined> => {
  try {
    return (await stat(path)).isFile() ? 'file' : 'other';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};

/** Whole or not at all: a player never meets half a file. A device or a pipe is written to, and a link followed. */
const writeSound = async (path: string, bytes: Uint8Array): Promise<void> => {
  const kind = await kindOf(path);
  if (kind === 'other') return writeFile(path, bytes);
  const file = kind === 'file' ? await realpath(path) : path;
  const draft = `${file}.${process.pid}.part`;
  try {
    await writeFile(draft, bytes);
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
};

const openEncoder = async (format: Format, ports: CliPorts) => {
  if (format === 'mp3') return ports.openMp3Encoder();
  const { createWavEncoder } = await import('@taleback/speech/src/audio/index.ts');
  return createWavEncoder();
};

const runSynthesize = async (
  given: string | undefined,
  flags: SynthesizeFlags,
  ports: CliPorts,
): Promise<void> => {
  const { terminal } = ports;
  const format = formatOf(flags);
  const text = await readText(given, flags.file, terminal);
  // Whoever asks for one text knows what else the machine has to do.
  const { config } = await readConfig(ports, { SYSTEM_PROTECTION: 'off', ENGINES: flags.engine });
  const signal = ports.stopSignal();
  const bar = createProgressBar('Speaking', terminal.isErrTty ? terminal.err : undefined);
  const encoder = await openEncoder(format, ports);
  try {
    const speech = await ports.openSpeech({ config }, signal);
    try {
      bar.show(0);
      const { bytes, durationMs, engine, voiceId } = await speech.narrate(encoder)(
        { text, voiceId: flags.voice, language: flags.language, speed: flags.speed },
        { signal, onProgress: bar.show },
      );
      bar.clear();
      if (flags.out === '-') await terminal.writeOut(bytes);
      else await writeSound(flags.out, bytes);
      const seconds = (durationMs / 1000).toFixed(1);
      if (terminal.isErrTty) terminal.err(`${flags.out}: ${seconds} s, ${voiceId} of ${engine}\n`);
    } finally {
      bar.clear();
      await speech.close();
    }
  } catch (error) {
    throw signal.aborted ? new CommandFailed('Interrupted.') : error;
  } finally {
    await encoder.close();
  }
};

/** `taleback synthesize` */
export const addSynthesizeCommand = (program: Command, ports: CliPorts): void => {
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
    .action((text: string | undefined, flags: SynthesizeFlags) => runSynthesize(text, flags, ports));
};
