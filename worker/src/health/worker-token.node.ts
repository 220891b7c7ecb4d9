import { randomBytes, randomUUID } from 'node:crypto';
import { link, readFile, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What is not hidden in the outbox's folder would be imported. */
const pathIn = (outboxFolder: string): string => join(outboxFolder, '.worker-token');

/** 256 bits: not to be guessed. */
const TOKEN_BYTES = 32;

/** The token of the workers that share this folder; undefined when there is none, or it may not be read. */
export const readWorkerToken = async (outboxFolder: string): Promise<string | undefined> => {
  const text = await readFile(pathIn(outboxFolder), 'utf8').catch(() => '');
  return text.trim() || undefined;
};

/**
 * The token, which is written if it is missing, for this user only. The command line on this machine sends it with requests that change a
 * worker's state.
 *
 * @throws what the file system says
 */
export const openWorkerToken = async (outboxFolder: string): Promise<string | undefined> => {
  const path = pathIn(outboxFolder);
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, `${randomBytes(TOKEN_BYTES).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' });
  // Of two workers that start at once, both use the token of the first.
  await link(draft, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await unlink(draft);
  return readWorkerToken(outboxFolder);
};
