import { orderSound, type Sound, verifyOrder } from './ipc-sound.ts';

/** Somebody who speaks when asked, wherever that happens. */
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

/** Asks these in turn. */
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
