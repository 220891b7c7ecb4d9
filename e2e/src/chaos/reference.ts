import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Tale, textsOf } from './tales.ts';

const CLI = fileURLToPath(new URL('../../../cli/src/cli.ts', import.meta.url));

/** What each text sounds like when nothing goes wrong: the same text makes the same bytes. */
export type Reference = ReadonlyMap<string, Buffer>;

/** Narrates every text of the tales that can be narrated. */
export const narrateInPeace = async (tales: readonly Tale[], folder: string): Promise<Reference> => {
  const texts = tales
    .filter(({ fault }) => fault === undefined)
    .flatMap((tale) => textsOf(tale).map((text, index) => ({ id: `${tale.id}-${index}`, text, tale })));
  const list = join(folder, 'tales.jsonl');
  const lines = texts.map(({ id, text, tale }) => JSON.stringify({ id, text, voice_id: tale.voiceId }));
  await writeFile(list, lines.join('\n'));
  const env = { PATH: process.env['PATH'], SYSTEM_PROTECTION: 'off', JOB_CONCURRENCY: '2' };
  await promisify(execFile)(
    process.execPath,
    ['--conditions=@taleback/source', CLI, 'batch', list, '--out', folder],
    { env },
  );
  const reference = new Map<string, Buffer>();
  for (const { id, text } of texts) reference.set(text, await readFile(join(folder, `${id}.mp3`)));
  return reference;
};
