/** Reads within one millisecond of each other before time is held still: below that, holding costs more than reading. */
const DENSE_READS = 32;
/** A burst that never yields to the event loop still sees time move, every so many reads. */
const HELD_READS = 1_024;

/**
 * Wraps `read` so that a dense burst of reads in one turn of the event loop costs one read.
 *
 * Sparse readers always get the exact time. `atTurnEnd` is asked once per burst, never per read, and not at all
 * while reads are sparse.
 */
export function turnTime(read: () => number, atTurnEnd: (run: () => void) => void): () => number {
  let heldMs = 0;
  let heldReads = 0;
  let denseReads = 0;
  let lastReadMs = Number.NEGATIVE_INFINITY;
  let turnEndAsked = false;

  const release = (): void => {
    turnEndAsked = false;
    heldReads = 0;
    denseReads = 0;
  };

  return () => {
    if (heldReads > 0) {
      heldReads -= 1;
      return heldMs;
    }
    const nowMs = read();
    denseReads = nowMs - lastReadMs < 1 || turnEndAsked ? denseReads + 1 : 0;
    lastReadMs = nowMs;
    if (denseReads >= DENSE_READS) {
      heldMs = nowMs;
      heldReads = HELD_READS;
      if (!turnEndAsked) {
        turnEndAsked = true;
        atTurnEnd(release);
      }
    }
    return nowMs;
  };
}
