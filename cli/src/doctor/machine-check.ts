import type {
  Figure,
  MachineReading,
  ReadMachine,
  Thresholds,
} from '@taleback/speech/src/protection/index.ts';
import type { Check } from './check.ts';

const WORDS: Readonly<Record<Figure, (value: number) => string>> = {
  cpu: (share) => `processor ${Math.round(share * 100)} %`,
  memory: (share) => `memory ${Math.round(share * 100)} %`,
  load: (perCore) => `load per core ${perCore.toFixed(2)}`,
};

const figuresOf = ({ cpuRatio, memoryRatio, loadPerCore }: MachineReading) =>
  [
    { figure: 'cpu', value: cpuRatio },
    { figure: 'memory', value: memoryRatio },
    { figure: 'load', value: loadPerCore },
  ] as const;

const isOver = (value: number, limit: number | undefined): boolean => limit !== undefined && value > limit;

/** The load of the machine. It only warns: it passes, and protection of the worker looks longer than once. */
export const machineCheck = (read: ReadMachine, thresholds: Partial<Thresholds> = {}): Check => ({
  name: 'load',
  group: 'machine',
  run: async () => {
    const reading = await read();
    const known = figuresOf(reading).flatMap(({ figure, value }) =>
      value === undefined ? [] : [{ figure, value, words: WORDS[figure](value) }],
    );
    if (known.length === 0) return { status: 'skipped', summary: 'It cannot be measured here.' };
    const summary = `${known.map(({ words }) => words).join(', ')}.`;
    const isCritical = known.some(({ figure, value }) => isOver(value, thresholds[figure]?.critical));
    if (isCritical) {
      return {
        status: 'warning',
        code: 'machine_overloaded',
        summary,
        suggestions: ['The worker takes no new stories while this lasts: end other work, or give it more'],
      };
    }
    const isHigh = known.some(({ figure, value }) => isOver(value, thresholds[figure]?.warning));
    return { status: isHigh ? 'warning' : 'ok', summary };
  },
});
