import { fileURLToPath } from 'node:url';

/** What the measuring program starts. */
export interface IpcChildren {
  readonly speechChild: string;
  readonly rawChild: string;
  readonly thread: URL;
  readonly rawThread: URL;
  readonly piscinaThread: URL;
}

/** The built files in the folder of this one. */
export const childrenBeside = (programUrl: string): IpcChildren => ({
  speechChild: fileURLToPath(new URL('ipc-speech-child.js', programUrl)),
  rawChild: fileURLToPath(new URL('ipc-raw-child.js', programUrl)),
  thread: new URL('ipc-thread.js', programUrl),
  rawThread: new URL('ipc-raw-thread.js', programUrl),
  piscinaThread: new URL('ipc-piscina-thread.js', programUrl),
});
