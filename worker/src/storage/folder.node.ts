import { readdir, readFile, realpath, stat, unlink } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { type ErrorCode, errorWords, TalebackError } from '@taleback/core';
import { isNarrationKey } from '@taleback/core/storage';
import {
  DRAFT_ENDING,
  listenAt,
  makeFolder,
  refuseForeign,
  syncFolder,
  writePrivate,
  writeWhole,
} from '@taleback/outbox';
import { throwIfCancelled } from '@taleback/speech';
import send from 'send';
import { keyAddress, type ObjectStore } from './library.ts';

type Meaning = readonly [ErrorCode, string];

const FULL: Meaning = ['disk_full', 'No space left for the audio'];
const FORBIDDEN: Meaning = ['permission_denied', 'The audio folder may not be used'];
const UNSAVED: Meaning = ['storage_upload_failed', 'The audio could not be saved'];
const UNREAD: Meaning = ['storage_unavailable', 'The audio could not be read'];

const MEANINGS: Readonly<Record<string, Meaning>> = {
  ENOSPC: FULL,
  EDQUOT: FULL,
  EACCES: FORBIDDEN,
  EPERM: FORBIDDEN,
  EROFS: FORBIDDEN,
};
/** There is no file; a folder is none. */
const ABSENT_CODES: ReadonlySet<unknown> = new Set(['ENOENT', 'ENOTDIR', 'EISDIR']);

const codeOf = (cause: unknown): string => String((cause as { code?: unknown } | null)?.code);

const storageError = (otherwise: Meaning, key: string, cause: unknown): TalebackError => {
  const [code, message] = MEANINGS[codeOf(cause)] ?? otherwise;
  return new TalebackError(code, message, { details: `${key}: ${errorWords(cause)}`, cause });
};

/** The result of the call, or undefined when there is no file. */
const ifThere = async <T>(
  key: string,
  signal: AbortSignal | undefined,
  call: () => Promise<T>,
): Promise<T | undefined> => {
  throwIfCancelled(signal);
  try {
    return await call();
  } catch (error) {
    if (ABSENT_CODES.has(codeOf(error))) return undefined;
    throw storageError(UNREAD, key, error);
  }
};

/**
 * Objects in a folder.
 *
 * @param folder where the paths of the keys begin
 * @param baseUrl address under which the folder is served, without a closing slash; undefined for a private folder, whose
 *   files only this user may read
 */
export const createFolderObjects = (folder: string, baseUrl: string | undefined): ObjectStore => {
  const root = resolve(folder);
  return {
    place: `the folder ${root}`,
    write: async ({ key, bytes }, signal) => {
      throwIfCancelled(signal);
      const path = join(root, key);
      try {
        if (baseUrl === undefined) return await writePrivate(path, bytes);
        makeFolder(dirname(path));
        await writeWhole(path, bytes);
        await syncFolder(dirname(path));
      } catch (error) {
        throw storageError(UNSAVED, key, error);
      }
    },
    read: (key, signal) => ifThere(key, signal, () => readFile(join(root, key))),
    sizeOf: async (key, signal) => {
      const found = await ifThere(key, signal, () => stat(join(root, key)));
      return found?.isFile() === true ? found.size : undefined;
    },
    list: async (prefix, signal) => {
      const below = join(root, prefix.slice(0, prefix.lastIndexOf('/') + 1));
      const read = () => readdir(below, { recursive: true, withFileTypes: true });
      const entries = (await ifThere(prefix, signal, read)) ?? [];
      return entries
        .filter((entry) => entry.isFile() && !entry.name.endsWith(DRAFT_ENDING))
        .map(({ parentPath, name }) => relative(root, join(parentPath, name)).split(sep).join('/'))
        .filter((key) => key.startsWith(prefix))
        .sort();
    },
    remove: async (key, signal) => {
      await ifThere(key, signal, () => unlink(join(root, key)));
    },
    urlOf: async (key) => `${baseUrl ?? ''}/${keyAddress(key)}`,
    close: () => Promise.resolve(),
  };
};

export interface AudioServerOptions {
  readonly folder: string;
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Names that it is called by, besides `localhost` and the host. */
  readonly names?: readonly string[];
}

/** The path of a request; an address that is none, such as `//`, has the path of nothing. */
const pathOf = (address: string): string => URL.parse(address, 'http://audio.local')?.pathname ?? '/';

/**
 * The narration that a path names, within the real folder and where it really lies: a link leads to no other place.
 * Undefined when there is none; what has no metadata beside it was not written as a narration.
 */
const findNarration = async (root: string, pathname: string): Promise<string | undefined> => {
  try {
    const file = await realpath(join(root, decodeURIComponent(pathname)));
    const key = relative(root, file).split(sep).join('/');
    if (key.startsWith('../') || !isNarrationKey(key)) return undefined;
    return (await stat(`${file}.json`)).isFile() ? key : undefined;
  } catch {
    return undefined;
  }
};

const answer = async (
  options: AudioServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const pathname = pathOf(request.url ?? '/');
  const end = (status: number, headers: Record<string, string> = {}): void => {
    response.writeHead(status, headers).end();
  };
  const refusal = refuseForeign(request, options);
  if (refusal !== undefined) return end(refusal.status);
  if (request.method !== 'GET' && request.method !== 'HEAD') return end(405, { allow: 'GET, HEAD' });
  const root = await realpath(options.folder).catch(() => undefined);
  if (root === undefined || !pathname.startsWith('/audio/')) return end(404);
  const key = await findNarration(root, pathname.slice('/audio'.length));
  if (key === undefined) return end(404);
  send(request, `/${keyAddress(key)}`, {
    root,
    dotfiles: 'ignore',
    index: false,
    // A narration never changes under its address: its key names the job.
    immutable: true,
    maxAge: '365d',
  })
    .on('headers', (outgoing: typeof response) => {
      outgoing.setHeader('x-content-type-options', 'nosniff');
      outgoing.setHeader('cross-origin-resource-policy', 'cross-origin');
    })
    .on('error', (error: { status?: number }) => {
      response.removeHeader('cache-control'); // a part that is not there is not to be remembered
      end(error.status ?? 500);
    })
    .on('directory', () => end(404))
    .pipe(response);
};

/** Serves the narrations in a folder under `/audio/`: GET and HEAD, byte ranges; nothing else that lies there. */
export const openAudioServer = async (options: AudioServerOptions) => {
  const server = createServer((request, response) => void answer(options, request, response));
  const place = await listenAt(server, options);
  return {
    url: `http://${place}/audio`,
    close: async (): Promise<void> => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
};
export type AudioServer = Awaited<ReturnType<typeof openAudioServer>>;
