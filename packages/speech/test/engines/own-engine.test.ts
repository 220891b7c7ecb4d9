import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { enginesEnvironment, openEngine, toEnginesConfig, TtsManager } from '../../src/index.ts';
import { describeSpeechEngine } from './engine-conformance.ts';

const DOCS = readFileSync(new URL('../../../../docs/engines.md', import.meta.url), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'taleback-own-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The example of docs/engines.md. */
const example = (language: 'js' | 'python'): string =>
  new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, 'u').exec(DOCS)?.[1] ?? '';

const write = (file: string, code: string): string => {
  writeFileSync(join(folder, file), code);
  return join(folder, file);
};

const log = (): void => {};

const open = async (ENGINES: string) => {
  const engines = toEnginesConfig(z.object(enginesEnvironment).parse({ ENGINES }));
  const environment = { PATH: process.env['PATH'], PYTHONPATH: folder, CALLBACK_SECRETS: 'whsec_secret' };
  const opened = await openEngine(engines.names[0], { engines, environment, log });
  const numbers = { workerPool: { maxWorkers: 2 }, retry: { maxAttempts: 1 } };
  const manager = new TtsManager(numbers, { engines: [opened.plugin], log });
  return {
    ...opened,
    manager,
    close: async () => {
      await manager.shutdown(0);
      await opened.close();
    },
  };
};

describe.each([
  ['hum', () => `module:${write('my-engine.js', example('js'))}`],
  ['hum-python', () => (write('my_engine.py', example('python')), 'python:my_engine:Hum')],
])('the example of docs/engines.md', (called, nameOf) => {
  describeSpeechEngine(called, async () => {
    const { manager, close } = await open(nameOf());
    await manager.initialize();
    return { engine: manager.engine, close };
  });
});

const DEADLY_JS = example('js').replace(
  'const hertz',
  `if (text.includes('die')) process.exit(3);
    if (text.includes('secret')) throw new Error('model: ' + (process.env.CALLBACK_SECRETS ?? 'no secret'));
    if (text.includes('nothing')) return { sampleRateHz: 16_000 };
    const hertz`,
);
const DEADLY_PYTHON = example('python').replace(
  'hertz = 110',
  `import os
        if "die" in text: os._exit(3)
        if "secret" in text: raise ValueError("model: " + os.environ.get("CALLBACK_SECRETS", "no secret"))
        if "nothing" in text: return None
        hertz = 110`,
);

describe("an engine of one's own", () => {
  test.each([
    ['module', () => `module:${write('deadly.js', DEADLY_JS)}`],
    ['python', () => (write('deadly.py', DEADLY_PYTHON), 'python:deadly:Hum')],
  ])('ends alone, knows no secrets, and its faults are errors: %s', async (_, nameOf) => {
    const { manager, close } = await open(nameOf());
    await manager.initialize();
    const speak = (text: string) => manager.synthesize({ text });
    await expect(speak('Please die.')).rejects.toMatchObject({ code: 'worker_lost' });
    await expect(speak('A secret, please.')).rejects.toMatchObject({
      code: 'model_failed',
      message: expect.stringContaining('no secret') as string,
    });
    await expect(speak('Give nothing.')).rejects.toMatchObject({ code: 'model_failed' });
    expect((await speak('Once upon a time.')).durationMs).toBe(1_020);
    await close();
  });

  test.each([
    [`module:${folder}/nowhere.js`, /^configuration: ENGINES: module:.*Cannot find module/],
    ['module:/etc/passwd', /^configuration: ENGINES: module:.*Unexpected/],
    [`module:${write('empty.js', '')}`, /exports no profile and load$/],
    [
      `module:${write('odd.js', "export const profile = { name: 'A b' }; export const load = 1;")}`,
      /no profile and load$/,
    ],
    [
      `module:${write('mute.js', "export const profile = { name: 'mute', languages: ['en'], voices: [] }; export const load = () => {};")}`,
      /ENGINES: module:.*voices /,
    ],
    ['python:no_such:Engine', /^configuration: ENGINES: python:.*No module named 'no_such'$/],
    ['python:json:JSONDecoder', /^configuration: ENGINES: python:json:JSONDecoder: /],
  ])('says in one sentence why %s cannot be had', async (name, words) => {
    const opening = open(name);
    await expect(opening).rejects.toThrow(words);
    await expect(opening).rejects.not.toThrow(/\n/);
  });
});
