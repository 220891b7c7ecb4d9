import type { Log } from '@taleback/core';
import { describeFigure, describeFinding, type Level } from './finding.ts';
import { KILL_SWITCH_KEY, type KillSwitchChange } from './kill-switch.ts';
import type { MachineState } from './machine-judge.ts';
import { FIGURES, type Figure, figureOf } from './machine-reading.ts';
import { describeReason, type ProtectionChange } from './protection-mode.ts';

/** seed 003: operators look for these words. */
const PREFIX = 'SYSTEM PROTECTION';

const RANKS = { normal: 0, warning: 1, critical: 2 } as const satisfies Record<Level, number>;

/** Logs protection that is entered or stays at error, and that is left at warn. */
export const logProtectionChanges =
  (log: Log) =>
  (change: ProtectionChange): void => {
    if (change.kind === 'left') {
      const { cause, activeMs } = change;
      log('warn', `${PREFIX} left: ${cause === 'by-hand' ? 'by hand' : 'the cool-down is over'}`, {
        cause,
        activeMs,
      });
      return;
    }
    const { reason, sinceMs, leavesAtMs } = change.status;
    log(
      'error',
      `${PREFIX} ${change.kind === 'entered' ? 'entered' : 'stays on'}: ${describeReason(reason)}`,
      {
        reason,
        sinceMs,
        leavesAtMs,
        cooldownMs: leavesAtMs - change.atMs,
      },
    );
  };

/** Logs the kill switch at warn. */
export const logKillSwitchChanges =
  (log: Log, controlFileName: string | undefined) =>
  (change: KillSwitchChange): void => {
    if (change.kind === 'unreadable') {
      const message = `${PREFIX}: the control file cannot be read, its last known value stands`;
      log('warn', message, { controlFile: controlFileName, cause: change.cause });
      return;
    }
    const { disabled, source } = change;
    const message = disabled ? `synthesis is disabled (${KILL_SWITCH_KEY}=disabled)` : 'synthesis is enabled';
    log('warn', `${PREFIX}: ${message}`, {
      disabled,
      source,
      ...(source === 'control-file' ? { controlFile: controlFileName } : {}),
    });
  };

/**
 * Logs figures that cross into their warning or critical range at warn, once per crossing, and figures that are normal
 * again at info. When no figure can be read, that is logged at warn, once.
 */
export const logLevels = (log: Log): ((state: MachineState) => void) => {
  const last = new Map<Figure, Level>();
  let wasBlind = false;
  return ({ sample, levels, findings }) => {
    const isBlind = Object.keys(levels).length === 0;
    if (isBlind && !wasBlind) log('warn', `${PREFIX}: no figure of this machine can be read`);
    wasBlind = isBlind;
    for (const figure of FIGURES) {
      const level = levels[figure];
      const value = figureOf(sample, figure);
      if (level === undefined || value === undefined) continue;
      const before = last.get(figure) ?? 'normal';
      last.set(figure, level);
      if (RANKS[level] > RANKS[before]) {
        const finding = findings.find((found) => found.figure === figure);
        log('warn', `${PREFIX}: ${finding === undefined ? figure : describeFinding(finding)}`, {
          ...finding,
        });
      } else if (level === 'normal' && before !== 'normal') {
        log('info', `${PREFIX}: ${describeFigure(figure, value)}, normal again`, { figure, level, value });
      }
    }
  };
};
