import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { OWN_NODE_ARGS, ownFile } from '../own-files.node.ts';
import { openSoundFiles } from '../protocol/sound-files.node.ts';
import { composeText } from '../text/clean-text.ts';
import type { SpeechEngine, SpeechProfile, Voice } from './engine.ts';
import type { EnginesConfig, OwnEngineName } from './engine-settings.ts';
import {
  childEnvironment,
  type FlitePluginOptions,
  type OpenPlugin,
  openPythonPlugin,
  processChild,
  pythonCommand,
} from './hosted-plugins.node.ts';

const MODULE_CHILD_FILE = fileURLToPath(ownFile('engines/own-engine-child'));
/** Nothing is loaded for it, but the packages that a module imports at its top may take long from a cold disk. */
const DESCRIBE_MS = 60_000;

/** What the module of `ENGINES=module:FILE` exports. @see docs/engines.md */
export interface OwnEngineModule {
  readonly profile: {
    readonly name: string;
    /** BCP 47 tags. */
    readonly languages: readonly string[];
    /** The first is the default. */
    readonly voices: readonly {
      readonly id: string;
      readonly name?: string;
      readonly languages?: readonly string[];
      /** The voice of a certain person: closed until an operator shares or assigns it. */
      readonly isCloned?: boolean;
    }[];
    readonly hasOneSpeed?: boolean;
  };
  /** Called once, in the engine's own process. */
  readonly load: () => Promise<Pick<SpeechEngine, 'synthesizeChunk'>>;
}

interface OwnEngineOptions extends Omit<FlitePluginOptions, 'childFile'> {
  readonly engines: Pick<EnginesConfig, 'python'>;
}

interface OpenOwnEngine extends OpenPlugin {
  readonly version: string;
}

/** What an engine says about itself before it is loaded. */
const DESCRIPTION = z.object({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,39}$/u, 'must be lower-case letters, digits and dashes'),
  languages: z.array(z.string().min(1)).min(1),
  voices: z
    .array(
      z.object({
        id: z.string().min(1),
        name: z.string().optional(),
        languages: z.array(z.string()).min(1).optional(),
        isCloned: z.boolean().optional(),
      }),
    )
    .min(1),
  clonesVoices: z.boolean().optional(),
  hasOneSpeed: z.boolean().optional(),
  /** The file that it is in. */
  file: z.string(),
});

const run = promisify(execFile);

const lastLine = (text: string): string =>
  (text.trim().split('\n').at(-1) ?? '').replace(/^taleback_speech: /u, '');

interface Child {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Asks the engine in a process of its own, as everything of it is run. @throws Error in one sentence */
const describeOwn = async ({ command, args, env }: Child) => {
  let printed: string;
  try {
    printed = (
      await run(command, [...args, '--describe'], { env, timeout: DESCRIBE_MS, killSignal: 'SIGKILL' })
    ).stdout;
  } catch (error) {
    const { stderr = '', message, killed = false } = error as Error & { stderr?: string; killed?: boolean };
    const why = killed ? `it did not describe itself within ${DESCRIBE_MS / 1000} s` : lastLine(stderr);
    throw new Error(why || lastLine(message), { cause: error });
  }
  const { data, error } = DESCRIPTION.safeParse(JSON.parse(lastLine(printed)));
  if (data === undefined) {
    throw new Error(error.issues.map(({ path, message }) => `${path.join('.')} ${message}`).join('; '));
  }
  const { file, voices: described, ...facts } = data;
  const voices = described.map(({ id, name = id, languages = facts.languages, isCloned }): Voice => {
    return { id, name, languages, isCloned: isCloned || undefined };
  });
  const profile: SpeechProfile = { ...facts, voices: () => voices, prepareText: composeText };
  // Its sound may change when its file does.
  return { profile, version: String(statSync(file).mtimeMs) };
};

const openPythonOwn = async (engine: string, options: OwnEngineOptions): Promise<OpenOwnEngine> => {
  const { command: python, folder: pythonFolder } = options.engines.python;
  const found = options.environment['PYTHONPATH']?.split(':') ?? [];
  const own = { ...options, engine, python, pythonFolder, pythonPath: [...found, process.cwd()] };
  const { profile, version } = await describeOwn(pythonCommand(own));
  return { ...(await openPythonPlugin({ ...own, profile, modelOf: () => profile.name })), version };
};

const openModuleOwn = async (path: string, options: OwnEngineOptions): Promise<OpenOwnEngine> => {
  const { environment, versions, log } = options;
  const env = childEnvironment(environment);
  const child = {
    command: process.execPath,
    args: [...OWN_NODE_ARGS, MODULE_CHILD_FILE, resolve(path)],
    env,
  };
  const { profile, version } = await describeOwn(child);
  const files = await openSoundFiles();
  const openChild = processChild({ ...child, files, versions, log });
  return {
    plugin: { ...profile, modelOf: () => profile.name, openChild },
    version,
    close: () => files.close(),
  };
};

/** An engine of the user's own, in processes of its own. @throws Error `configuration: …` when it cannot be had */
export const openOwnEngine = async (
  name: OwnEngineName,
  options: OwnEngineOptions,
): Promise<OpenOwnEngine> => {
  try {
    return name.startsWith('python:')
      ? await openPythonOwn(name.slice('python:'.length), options)
      : await openModuleOwn(name.slice('module:'.length), options);
  } catch (error) {
    throw new Error(`configuration: ENGINES: ${name}: ${(error as Error).message}`, { cause: error });
  }
};
