import { FIGURES, type Figure } from './machine-reading.ts';

/** A figure is in its warning range above `warning`, and critical above `critical`; at them it is not yet. */
export interface Threshold {
  readonly warning: number;
  readonly critical: number;
}

/** `cpu` and `memory` as shares from 0 to 1, `load` per core. */
export type Thresholds = Readonly<Record<Figure, Threshold>>;

export const DEFAULT_THRESHOLDS: Thresholds = {
  cpu: { warning: 0.8, critical: 0.95 }, // seed 003: CPU usage, warning 80 %, critical 95 %
  memory: { warning: 0.8, critical: 0.95 }, // seed 003: memory usage, warning 80 %, critical 95 %
  // seed 003: a load average over 5.0 is a warning sign, over 10.0 critical; its machine's cores are not told. Four of
  // them give its numbers to the letter, and 1.25 says what a warning should: a quarter more work than the cores can do.
  load: { warning: 5 / 4, critical: 10 / 4 },
};

/** @throws {RangeError} naming the figure, unless 0 < warning <= critical */
export const checkThresholds = (thresholds: Thresholds): void => {
  for (const figure of FIGURES) {
    const { warning, critical } = thresholds[figure];
    if (!(warning > 0 && critical >= warning)) {
      throw new RangeError(
        `thresholds.${figure}: needs 0 < warning <= critical, got ${String(warning)} and ${String(critical)}`,
      );
    }
  }
};
