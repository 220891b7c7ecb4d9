import type { Log } from '@taleback/core';
import { KILL_SWITCH_KEY, type KillSwitchChange } from './kill-switch.node.ts';
import { describeFigure, describeFinding, FIGURE_NAMES, type Figure, figureOf } from './machine-monitor.ts';
import type { Level, MachineState } from './machine-monitor.ts';
import { describeReason, type ProtectionChange } from './protection-mode.ts';

/** Operators search the log for these words. @see docs/origins.md#log-words */
const PREFIX = 'SYSTEM PROTECTION';

const RANKS = { normal: 0, warning: 1, critical: 2 } as const satisfies Record<Level, number>;

/** Logs protection that is entered or stays at error, and that is left at warn. */
export const logProtectionChanges =
  (log: Log) =>
  (change: ProtectionChange): void => {
    if (change.kind === 'left') {
      const { cause, activeMs } = change;
      const words = cause === 'by-hand' ? 'by hand' : 'the cool-down is over';
      log('warn', `${PREFIX} left: ${words}`, { cause, activeMs });
      return;
    }
    const { reason, sinceMs, leavesAtMs } = change.status;
    const verb = change.kind === 'entered' ? 'entered' : 'stays on';
    const cooldownMs = leavesAtMs - change.atMs;
    log('error', `${PREFIX} ${verb}: ${describeReason(reason)}`, { reason, sinceMs, leavesAtMs, cooldownMs });
  };

export const logKillSwitchChanges =
  (log: Log, controlFile: string | undefined) =>
  (change: KillSwitchChange): void => {
    if (change.kind === 'unreadable') {
      const message = `${PREFIX}: the control file cannot be read, its last known value stands`;
      log('warn', message, { controlFile, cause: change.cause });
      return;
    }
    const { disabled, source } = change;
    const message = disabled ? `synthesis is disabled (${KILL_SWITCH_KEY}=disabled)` : 'synthesis is enabled';
    const where = source === 'control-file' ? { controlFile } : {};
    log('warn', `${PREFIX}: ${message}`, { disabled, source, ...where });
  };

/** A figure has left a range once it is below this part of the range's threshold: near one it would log at each sample. */
const LEAVES_BELOW = 0.9;

/**
 * Logs figures that cross into their warning or critical range at warn, once per crossing, and figures that are clearly
 * normal again at info. When no figure can be read, that is logged at warn, once.
 */
export const logLevels = (log: Log): ((state: MachineState) => void) => {
  const last = new Map<Figure, { readonly level: Level; readonly threshold: number }>();
  let wasBlind = false;
  return ({ sample, levels, findings }) => {
    const isBlind = Object.keys(levels).length === 0;
    if (isBlind && !wasBlind) log('warn', `${PREFIX}: no figure of this machine can be read`);
    wasBlind = isBlind;
    for (const figure of FIGURE_NAMES) {
      const level = levels[figure];
      if (level === undefined) continue;
      const value = figureOf(sample, figure) ?? 0;
      const before = last.get(figure) ?? { level: 'normal', threshold: 0 };
      const isHigher = RANKS[level] > RANKS[before.level];
      if (!isHigher && value >= before.threshold * LEAVES_BELOW) continue;
      const finding = findings.find((found) => found.figure === figure);
      last.set(figure, { level, threshold: finding?.threshold ?? 0 });
      if (finding !== undefined && isHigher)
        log('warn', `${PREFIX}: ${describeFinding(finding)}`, { ...finding });
      else if (level === 'normal' && before.level !== 'normal')
        log('info', `${PREFIX}: ${describeFigure(figure, value)}, normal again`, { figure, level, value });
    }
  };
};
