import { describe, expect, it } from 'vitest';
import type { Log } from '@taleback/core';
import { DEFAULT_THRESHOLDS, createJudge, type MachineReading } from './machine-monitor.ts';
import { logKillSwitchChanges, logLevels, logProtectionChanges } from './protection-logs.ts';

const record = () => {
  const lines: [severity: string, message: string, fields: Record<string, unknown>][] = [];
  const log: Log = (severity, message, fields = {}) => lines.push([severity, message, fields]);
  return { lines, log, words: () => lines.map(([severity, message]) => `${severity}: ${message}`) };
};

const feed = (readings: readonly MachineReading[]) => {
  const { log, words, lines } = record();
  const listen = logLevels(log);
  const judge = createJudge(DEFAULT_THRESHOLDS, 1);
  for (const reading of readings) listen(judge({ ...reading, atMs: 0 }));
  return { words: words(), lines };
};

const STATUS = {
  active: true,
  reason: {
    kind: 'critical',
    findings: [{ figure: 'memory', level: 'critical', value: 0.97, threshold: 0.95 }],
  },
  sinceMs: 1_000,
  leavesAtMs: 301_000,
} as const;

describe('logProtectionChanges', () => {
  it('says SYSTEM PROTECTION at error, with reason and figures', () => {
    const { log, lines } = record();
    logProtectionChanges(log)({ kind: 'entered', status: STATUS, atMs: 1_000 });
    expect(lines).toEqual([
      [
        'error',
        'SYSTEM PROTECTION entered: memory at 97 % (critical over 95 %)',
        { reason: STATUS.reason, sinceMs: 1_000, leavesAtMs: 301_000, cooldownMs: 300_000 },
      ],
    ]);
  });

  it('says that it stays, and at warn that it is left', () => {
    const { log, words } = record();
    const listen = logProtectionChanges(log);
    listen({ kind: 'stayed', status: STATUS, atMs: 1_000 });
    listen({ kind: 'left', cause: 'cool-down-over', activeMs: 600_000, atMs: 601_000 });
    listen({ kind: 'left', cause: 'by-hand', activeMs: 5, atMs: 6 });
    expect(words()).toEqual([
      'error: SYSTEM PROTECTION stays on: memory at 97 % (critical over 95 %)',
      'warn: SYSTEM PROTECTION left: the cool-down is over',
      'warn: SYSTEM PROTECTION left: by hand',
    ]);
  });
});

describe('logKillSwitchChanges', () => {
  it('says SYSTEM PROTECTION at warn, and where the word came from', () => {
    const { log, lines } = record();
    const listen = logKillSwitchChanges(log, 'control.env');
    listen({ kind: 'switched', disabled: true, source: 'control-file' });
    listen({ kind: 'switched', disabled: false, source: 'environment' });
    listen({ kind: 'unreadable', cause: 'EACCES' });
    expect(lines).toEqual([
      [
        'warn',
        'SYSTEM PROTECTION: synthesis is disabled (TTS_PROVIDER=disabled)',
        { disabled: true, source: 'control-file', controlFile: 'control.env' },
      ],
      ['warn', 'SYSTEM PROTECTION: synthesis is enabled', { disabled: false, source: 'environment' }],
      [
        'warn',
        'SYSTEM PROTECTION: the control file cannot be read, its last known value stands',
        { controlFile: 'control.env', cause: 'EACCES' },
      ],
    ]);
  });
});

describe('logLevels', () => {
  it('warns of a figure in its warning range, once per crossing', () => {
    const { words, lines } = feed(
      [0.5, 0.83, 0.84, 0.97, 0.99, 0.85, 0.7, 0.6, 0.81].map((cpuRatio) => ({ cpuRatio })),
    );
    expect(words).toEqual([
      'warn: SYSTEM PROTECTION: cpu at 83 % (warning over 80 %)',
      'warn: SYSTEM PROTECTION: cpu at 97 % (critical over 95 %)',
      'info: SYSTEM PROTECTION: cpu at 70 %, normal again',
      'warn: SYSTEM PROTECTION: cpu at 81 % (warning over 80 %)',
    ]);
    expect(lines[0]?.[2]).toEqual({ figure: 'cpu', level: 'warning', value: 0.83, threshold: 0.8 });
  });

  it('says nothing of a figure that goes to and fro at a threshold, until it is clearly normal', () => {
    const { words } = feed(
      [1.24, 1.26, 1.24, 1.27, 1.2, 2.51, 2.49, 2.52, 2.4, 1.3, 1.2, 1.13, 1.12, 1.24].map((loadPerCore) => ({
        loadPerCore,
      })),
    );
    expect(words).toEqual([
      'warn: SYSTEM PROTECTION: load at 1.26 per core (warning over 1.25 per core)',
      'warn: SYSTEM PROTECTION: load at 2.51 per core (critical over 2.5 per core)',
      'info: SYSTEM PROTECTION: load at 1.12 per core, normal again',
    ]);
  });

  it('reports each figure', () => {
    expect(feed([{ cpuRatio: 0.9, memoryRatio: 0.96, loadPerCore: 2 }]).words).toEqual([
      'warn: SYSTEM PROTECTION: cpu at 90 % (warning over 80 %)',
      'warn: SYSTEM PROTECTION: memory at 96 % (critical over 95 %)',
      'warn: SYSTEM PROTECTION: load at 2 per core (warning over 1.25 per core)',
    ]);
  });

  it('says once that nothing can be read, and takes up each figure where it was', () => {
    expect(feed([{ memoryRatio: 0.9 }, {}, {}, { memoryRatio: 0.9 }, {}]).words).toEqual([
      'warn: SYSTEM PROTECTION: memory at 90 % (warning over 80 %)',
      'warn: SYSTEM PROTECTION: no figure of this machine can be read',
      'warn: SYSTEM PROTECTION: no figure of this machine can be read',
    ]);
  });
});
