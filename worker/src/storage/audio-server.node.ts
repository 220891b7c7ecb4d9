import send from 'send';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface AudioServer {
  readonly url: string;
  close(): Promise<void>;
}

export interface AudioServerOptions {
  readonly folder: string;
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
}

/** A narration never changes under its address: its key names the job. */
const CACHE_FOR = '365d';

const listen = (server: Server, host: string, port: number): Promise<AddressInfo> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve(server.address() as AddressInfo));
  });

/** The path of a request; an address that is none, such as `//`, has the path of nothing. */
const pathOf = (address: string): string =>
  URL.canParse(address, 'http://audio.local') ? new URL(address, 'http://audio.local').pathname : '/';

/** Serves the audio folder under `/audio/`: GET and HEAD, byte ranges, audio files only. */
export const openAudioServer = async ({ folder, host, port }: AudioServerOptions): Promise<AudioServer> => {
  const server = createServer((request, response) => {
    const pathname = pathOf(request.url ?? '/');
    const path = pathname.startsWith('/audio/') ? pathname.slice('/audio'.length) : undefined;
    const end = (status: number, headers: Record<string, string> = {}): void => {
      response.writeHead(status, headers).end();
    };
    if (request.method !== 'GET' && request.method !== 'HEAD') return end(405, { allow: 'GET, HEAD' });
    if (path === undefined || !path.endsWith('.mp3')) return end(404);
    send(request, path, {
      root: folder,
      dotfiles: 'ignore',
      index: false,
      immutable: true,
      maxAge: CACHE_FOR,
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
  });
  const address = await listen(server, host, port);
  return {
    url: `http://${host}:${address.port}/audio`,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)));
        server.closeAllConnections();
      }),
  };
};
