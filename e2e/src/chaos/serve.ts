import { once } from 'node:events';
import { createServer, type RequestListener, type ServerOptions } from 'node:http';
import { listenAt } from '@taleback/outbox';

/** Serves HTTP on a free port of this machine. */
export const serve = async (listener: RequestListener, options: ServerOptions = {}) => {
  const server = createServer(options, listener);
  const place = await listenAt(server, { host: '127.0.0.1', port: 0 });
  return {
    url: `http://${place}`,
    /** Ends every connection. */
    close: async (): Promise<void> => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};
