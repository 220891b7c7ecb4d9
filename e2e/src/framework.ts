import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { createPortPicker } from '@taleback/scripts/src/process/free-port.ts';
import { startSupervised } from '@taleback/scripts/src/process/supervised.ts';

export const FRAMEWORK = fileURLToPath(
  new URL('main.js', import.meta.resolve('@google-cloud/functions-framework')),
);
const pickPort = createPortPicker();

/** Memory of a process, in bytes: what it has now, and the most that it has had. By Linux's word. */
export const memoryOf = async (pid: number) => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const read = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024;
  return { rssBytes: read('VmRSS'), peakBytes: read('VmHWM') };
};

/** Of the memory of a deployed function, such as `512MiB`. */
export const mebibytesOf = (memory: string): number =>
  Number.parseInt(memory, 10) * (memory.endsWith('GiB') ? 1_024 : 1);

/**
 * Serves one HTTP function of a folder with Google's functions-framework, as Cloud Functions does.
 * @param source the folder, with the package.json that names its main file
 * @param logs the folder for what it prints
 */
export const serveFunction = async (
  source: string,
  target: string,
  logs: string,
  environment: Readonly<Record<string, string>> = {},
) => {
  const port = await pickPort();
  const { FUNCTION_SIGNATURE_TYPE: signatureType = 'http' } = environment;
  const options = [
    `--source=${source}`,
    `--target=${target}`,
    `--port=${port}`,
    `--signature-type=${signatureType}`,
  ];
  const served = await startSupervised({
    name: `the function ${target}`,
    command: [process.execPath, FRAMEWORK, ...options],
    folder: logs,
    log: target,
    env: {
      ...process.env,
      // In production the framework does not say when it serves.
      NODE_ENV: 'test',
      FUNCTION_TARGET: target,
      FUNCTION_SIGNATURE_TYPE: signatureType,
      ...environment,
    },
    readyWhen: /^URL: /m,
    readyWithinMs: 60_000,
  });
  return {
    baseUrl: `http://127.0.0.1:${port}`,
    pid: served.pid,
    /** The most memory that the process has had, in bytes. */
    peakBytes: async () => (await memoryOf(served.pid)).peakBytes,
    stop: () => served.stop(),
  };
};
export type ServedFunction = Awaited<ReturnType<typeof serveFunction>>;

export interface Hostile {
  readonly body: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** 100 MB as 100 KB. Several of them in a row are a valid stream, too. */
const bomb = (count: number): Hostile => ({
  body: Buffer.concat(Array<Buffer>(count).fill(gzipSync(Buffer.alloc(100_000_000)))),
  headers: { 'content-encoding': 'gzip' },
});

/** Bodies that cost a server far more than their sender: 100 KB, 400 KB and 1 MB of gzip, and 31 MB of nested arrays. */
export const hostileBodies = (): Readonly<Record<string, Hostile>> => ({
  'a gzip of 100 MB': bomb(1),
  'a gzip of 400 MB': bomb(4),
  'a gzip of 1 GB': bomb(10),
  '31 MB of nested arrays': { body: Buffer.from(`[${'[],'.repeat(10_300_000)}[]]`) },
});

export const post = (url: string, { body, headers }: Hostile): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: body as BodyInit,
  });
