import { once } from 'node:events';
import { stat, unlink } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Log } from '@taleback/core';
import type { SenderLock } from './index.ts';

/** Least time between two attempts at an address that neither can be had nor answers, ms. */
const POLL_MS = 50;

/** True where the kernel itself forgets the address of a process that is gone. */
const isKernelName = (address: string): boolean => address.startsWith('\0') || address.startsWith('\\\\');

/**
 * The address that belongs to a folder, whatever path leads to it. On Linux it is an abstract socket, on Windows a pipe:
 * both are gone with their process. Elsewhere it is a socket file, which a killed process leaves behind.
 */
const addressOf = async (folder: string): Promise<string> => {
  const { dev, ino } = await stat(folder, { bigint: true });
  const name = `taleback-outbox-${dev}-${ino}`;
  if (process.platform === 'linux') return `\0${name}`;
  return process.platform === 'win32' ? `\\\\.\\pipe\\${name}` : join(tmpdir(), `${name}.sock`);
};

const tryListen = async (address: string): Promise<Server | undefined> => {
  const server = createServer();
  server.listen(address);
  try {
    await once(server, 'listening');
    return server.unref();
  } catch (error) {
    if ((error as { code?: unknown }).code === 'EADDRINUSE') return undefined;
    throw error;
  }
};

const tryConnect = async (address: string): Promise<Socket | undefined> => {
  const socket = connect(address);
  try {
    await once(socket, 'connect');
    return socket.on('error', () => {});
  } catch {
    if (!isKernelName(address)) await unlink(address).catch(() => {});
    return undefined;
  }
};

/**
 * The lock of an outbox folder: whoever listens at the folder's address is the one that sends. The others stay connected,
 * so that they learn at once when it is gone, and nudge it over that connection.
 *
 * It holds among the processes of one network namespace. In containers that share a folder and not the network, each
 * would send: messages then arrive more than once, which receivers allow, and none is lost.
 */
export const createOutboxLock = (folder: string, log: Log): SenderLock => {
  const closing = new AbortController();
  const { signal } = closing;
  const guests = new Set<Socket>();
  let server: Server | undefined;
  let holder: Socket | undefined;

  const hold = (listening: Server, onNudge: () => void): void => {
    server = listening;
    listening.on('connection', (guest) => {
      guests.add(guest);
      // It may have written before it could say so.
      onNudge();
      guest
        .unref()
        .on('data', onNudge)
        .on('error', () => {})
        .on('close', () => guests.delete(guest));
    });
  };

  const waitForEnd = async (address: string): Promise<void> => {
    holder = await tryConnect(address);
    if (holder !== undefined && !signal.aborted) {
      log('info', 'another process sends from this outbox', { folder });
      await once(holder, 'close', { signal }).catch(() => {});
    }
    holder?.destroy();
    holder = undefined;
    await wait(POLL_MS, undefined, { signal }).catch(() => {});
  };

  const acquire = async (onNudge: () => void): Promise<boolean> => {
    const address = await addressOf(folder);
    while (!signal.aborted) {
      const listening = await tryListen(address);
      if (signal.aborted) listening?.close();
      else if (listening !== undefined) {
        hold(listening, onNudge);
        return true;
      } else await waitForEnd(address);
    }
    return false;
  };

  return {
    acquire: (onNudge) =>
      acquire(onNudge).catch((error: unknown) => {
        log('error', 'outbox cannot be locked', { folder, error: String(error) });
        // A message that arrives twice is better than one that never does.
        return !signal.aborted;
      }),
    nudge: () => void holder?.write('.'),
    close: async () => {
      closing.abort();
      holder?.destroy();
      for (const guest of guests) guest.destroy();
      if (server === undefined) return;
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
};
