import { fileURLToPath } from 'node:url';

/** A program and what comes before its own arguments. */
export interface Start {
  readonly command: string;
  readonly args: readonly string[];
}

/** Node, by itself or on this core only. */
export const nodeOn = (core: string | undefined): Start =>
  core === undefined
    ? { command: process.execPath, args: [] }
    : { command: 'taskset', args: ['--cpu-list', core, process.execPath] };

/** What the measuring program starts. */
export interface IpcChildren {
  /** How the processes are started. */
  readonly node: Start;
  readonly speechChild: string;
  readonly rawChild: string;
  readonly thread: URL;
  readonly rawThread: URL;
  readonly piscinaThread: URL;
}

/** The built files in the folder of this one. */
export const childrenBeside = (programUrl: string, node: Start): IpcChildren => ({
  node,
  speechChild: fileURLToPath(new URL('ipc-speech-child.js', programUrl)),
  rawChild: fileURLToPath(new URL('ipc-raw-child.js', programUrl)),
  thread: new URL('ipc-thread.js', programUrl),
  rawThread: new URL('ipc-raw-thread.js', programUrl),
  piscinaThread: new URL('ipc-piscina-thread.js', programUrl),
});
