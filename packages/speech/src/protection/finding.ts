import type { Figure } from './machine-reading.ts';
import type { Threshold } from './thresholds.ts';

export type Level = 'normal' | 'warning' | 'critical';

/** A figure outside its normal range. */
export interface Finding {
  readonly figure: Figure;
  readonly level: Exclude<Level, 'normal'>;
  readonly value: number;
  /** What it is over. */
  readonly threshold: number;
}

/** The level of one value. */
export const levelOf = (value: number, { warning, critical }: Threshold): Level => {
  if (value > critical) return 'critical';
  return value > warning ? 'warning' : 'normal';
};

const UNITS = {
  cpu: { factor: 100, digits: 1, unit: ' %' },
  memory: { factor: 100, digits: 1, unit: ' %' },
  load: { factor: 1, digits: 2, unit: ' per core' },
} as const satisfies Record<Figure, { factor: number; digits: number; unit: string }>;

const inWords = (figure: Figure, value: number): string => {
  const { factor, digits, unit } = UNITS[figure];
  return `${Number((value * factor).toFixed(digits))}${unit}`;
};

/** Such as `cpu at 83 %` or `load at 2.75 per core`. */
export const describeFigure = (figure: Figure, value: number): string =>
  `${figure} at ${inWords(figure, value)}`;

/** Such as `memory at 96 % (critical over 95 %)`. */
export const describeFinding = ({ figure, level, value, threshold }: Finding): string =>
  `${describeFigure(figure, value)} (${level} over ${inWords(figure, threshold)})`;
