import { fileURLToPath } from 'node:url';
import { orderSound, type Sound, verifyOrder } from './ipc-sound.ts';

/** A program and what comes before its own arguments. */
export interface Start {
  readonly command: string;
  readonly args: readonly string[];
}

/** Node, on any core or on this one only. */
export const nodeOn = (core: string | undefined): Start =>
  core === undefined
    ? { command: process.execPath, args: [] }
    : { command: 'taskset', args: ['--cpu-list', core, process.execPath] };

/** What the measuring program starts. */
export interface IpcChildren {
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

/** An engine that speaks on request, in whichever process or thread. */
export interface Asker {
  readonly ask: (text: string) => Promise<Sound>;
  readonly close: () => Promise<void>;
}

/** Round trips for a sound of this size, each answer verified. */
export const tripsTo = ({ ask }: Asker, sizeBytes: number): (() => Promise<void>) => {
  const sampleCount = Math.ceil(sizeBytes / 2);
  let mark = 0;
  return async () => {
    mark = (mark + 1) % 30_000;
    const mine = mark;
    verifyOrder(await ask(orderSound(sampleCount, mine)), sampleCount, mine);
  };
};

export const inTurn = (askers: readonly [Asker, ...Asker[]]): Asker => {
  const [first] = askers;
  let turn = 0;
  return {
    ask: (text) => {
      turn = (turn + 1) % askers.length;
      return (askers[turn] ?? first).ask(text);
    },
    close: async () => {
      for (const asker of askers) await asker.close();
    },
  };
};
