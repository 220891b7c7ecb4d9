import type { Log } from '@taleback/core';
import type { BreakerListener } from '@taleback/resilience';
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

/** Logs the kill switch at warn. */
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
    for (const figure of FIGURE_NAMES) {
      const level = levels[figure];
      if (level === undefined) continue;
      const before = last.get(figure) ?? 'normal';
      last.set(figure, level);
      const finding = findings.find((found) => found.figure === figure);
      if (finding !== undefined && RANKS[level] > RANKS[before]) {
        log('warn', `${PREFIX}: ${describeFinding(finding)}`, { ...finding });
      } else if (level === 'normal' && before !== 'normal') {
        const value = figureOf(sample, figure) ?? 0;
        log('info', `${PREFIX}: ${describeFigure(figure, value)}, normal again`, { figure, level, value });
      }
    }
  };
};

const BREAKER_WORDS = {
  closed: { severity: 'warn', verb: 'closed' },
  open: { severity: 'error', verb: 'opened' },
  'half-open': { severity: 'warn', verb: 'is half-open' },
  isolated: { severity: 'error', verb: 'is shut' },
} as const;

/**
 * Logs the changes of a breaker in the words that operators search for: opening at error, the way back at warn.
 *
 * @param breaker the guarded engine or worker, such as `kokoro`
 * @see docs/origins.md#log-words
 */
export const logBreakerChanges =
  (log: Log, breaker: string): BreakerListener =>
  ({ cause, from, to }) => {
    const { severity, verb } = BREAKER_WORDS[to.kind];
    const cooldown = 'cooldownMs' in to ? { cooldownMs: to.cooldownMs } : {};
    const fields = { breaker, from: from.kind, to: to.kind, cause, ...cooldown };
    log(severity, `CIRCUIT BREAKER ${breaker} ${verb}: ${cause.replaceAll('-', ' ')}`, fields);
  };
