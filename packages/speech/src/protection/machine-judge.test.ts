import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkThresholds,
  DEFAULT_THRESHOLDS,
  describeFigure,
  describeFinding,
  createJudge,
  type MachineReading,
} from './machine-monitor.ts';

const judgeAll = (readings: readonly MachineReading[], cpuCriticalSamples = 1) => {
  const judge = createJudge(DEFAULT_THRESHOLDS, cpuCriticalSamples);
  return readings.map((reading, index) => judge({ ...reading, atMs: index * 5_000 }));
};

const levelsOf = (readings: readonly MachineReading[], cpuCriticalSamples?: number) =>
  judgeAll(readings, cpuCriticalSamples).map(({ levels }) => levels);

describe('createJudge', () => {
  it('CPU is in its warning range over 80 % and critical over 95 %', () => {
    expect(levelsOf([0.8, 0.801, 0.95, 0.951].map((cpuRatio) => ({ cpuRatio })))).toEqual([
      { cpu: 'normal' },
      { cpu: 'warning' },
      { cpu: 'warning' },
      { cpu: 'critical' },
    ]);
  });

  it('memory is in its warning range over 80 % and critical over 95 %', () => {
    expect(levelsOf([0.8, 0.801, 0.95, 0.951].map((memoryRatio) => ({ memoryRatio })))).toEqual([
      { memory: 'normal' },
      { memory: 'warning' },
      { memory: 'warning' },
      { memory: 'critical' },
    ]);
  });

  it('on four cores, a load average over 5.0 is a warning sign and over 10.0 critical', () => {
    const onFourCores = [5, 5.01, 10, 10.01, 67].map((load) => ({ loadPerCore: load / 4 }));
    expect(levelsOf(onFourCores)).toEqual([
      { load: 'normal' },
      { load: 'warning' },
      { load: 'warning' },
      { load: 'critical' },
      { load: 'critical' },
    ]);
  });

  it('takes CPU for critical only in the third critical sample in a row', () => {
    const cpu = [0.99, 0.99, 0.5, 0.99, 0.99, 0.99, 0.99, 0.9].map((cpuRatio) => ({ cpuRatio }));
    expect(levelsOf(cpu, 3).map((levels) => levels.cpu)).toEqual([
      'warning',
      'warning',
      'normal',
      'warning',
      'warning',
      'critical',
      'critical',
      'warning',
    ]);
  });

  it('starts to count again when CPU was not read', () => {
    const readings = [{ cpuRatio: 1 }, {}, { cpuRatio: 1 }, { cpuRatio: 1 }];
    expect(levelsOf(readings, 2).map((levels) => levels.cpu)).toEqual([
      'warning',
      undefined,
      'warning',
      'critical',
    ]);
  });

  it('gives no level to what was not read', () => {
    expect(levelsOf([{}, { cpuRatio: undefined, memoryRatio: Number.NaN, loadPerCore: 0 }])).toEqual([
      {},
      { load: 'normal' },
    ]);
  });

  it('reports each finding with the threshold it is over', () => {
    const [state] = judgeAll([{ cpuRatio: 0.83, memoryRatio: 0.9612, loadPerCore: 2.75 }]);
    expect(state?.findings.map(describeFinding)).toEqual([
      'cpu at 83 % (warning over 80 %)',
      'memory at 96.1 % (critical over 95 %)',
      'load at 2.75 per core (critical over 2.5 per core)',
    ]);
  });

  it('writes figures with as many digits as they deserve', () => {
    expect(describeFigure('cpu', 0.83219)).toBe('cpu at 83.2 %');
    expect(describeFigure('load', 2.758_31)).toBe('load at 2.76 per core');
  });

  it('never calls CPU critical after fewer critical samples in a row than it needs, and always from then on', () => {
    const ratios = fc.array(fc.constantFrom(0.5, 0.9, 0.97, undefined), { maxLength: 40 });
    fc.assert(
      fc.property(ratios, fc.integer({ min: 1, max: 5 }), (cpuRatios, needed) => {
        const levels = levelsOf(
          cpuRatios.map((cpuRatio) => ({ cpuRatio })),
          needed,
        );
        for (const [index, { cpu }] of levels.entries()) {
          const last = cpuRatios.slice(Math.max(0, index + 1 - needed), index + 1);
          const isCritical = last.length === needed && last.every((ratio) => ratio === 0.97);
          expect(cpu === 'critical').toBe(isCritical);
        }
      }),
    );
  });
});

describe('checkThresholds', () => {
  it.each([
    { warning: 0, critical: 1 },
    { warning: 0.9, critical: 0.8 },
    { warning: Number.NaN, critical: 1 },
    { warning: 0.5, critical: Number.NaN },
  ])('refuses %j, naming the figure', (memory) => {
    expect(() => checkThresholds({ ...DEFAULT_THRESHOLDS, memory })).toThrow(/^thresholds\.memory: /);
  });

  it('takes its own defaults', () => {
    expect(() => checkThresholds(DEFAULT_THRESHOLDS)).not.toThrow();
  });
});
