import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Tale } from './tales.ts';

const CLI = fileURLToPath(new URL('../../../cli/src/cli.ts', import.meta.url));

export const fingerprint = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/**
 * What each tale sounds like when nothing goes wrong: the same text makes the same bytes.
 *
 * @returns fingerprints by the tale's id
 */
export const narrateInPeace = async (
  tales: readonly Tale[],
  folder: string,
): Promise<ReadonlyMap<string, string>> => {
  const speakable = tales.filter(({ fault }) => fault === undefined);
  const list = join(folder, 'tales.jsonl');
  const lines = speakable.map(({ id, text, voiceId }) => JSON.stringify({ id, text, voice_id: voiceId }));
  await writeFile(list, lines.join('\n'));
  const env = { PATH: process.env['PATH'], SYSTEM_PROTECTION: 'off', JOB_CONCURRENCY: '2' };
  await promisify(execFile)(
    process.execPath,
    ['--conditions=@taleback/source', CLI, 'batch', list, '--out', folder],
    { env },
  );
  const fingerprints = new Map<string, string>();
  for (const { id } of speakable)
    fingerprints.set(id, fingerprint(await readFile(join(folder, `${id}.mp3`))));
  return fingerprints;
};
