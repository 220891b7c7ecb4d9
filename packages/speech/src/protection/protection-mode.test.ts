import { createFakeClock } from '@taleback/resilience/testing';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Finding } from './machine-monitor.ts';
import { describeReason, type ProtectionChange, ProtectionMode } from './protection-mode.ts';

const MEMORY: Finding = { figure: 'memory', level: 'critical', value: 0.96, threshold: 0.95 };
const LOAD: Finding = { figure: 'load', level: 'critical', value: 3, threshold: 2.5 };
const START_MS = 1_700_000_000_000;
const MINUTE_MS = 60_000;

const setup = (cooldownMs?: number) => {
  const clock = createFakeClock(START_MS);
  const mode = new ProtectionMode({ cooldownMs }, clock);
  const changes: ProtectionChange[] = [];
  mode.onChange((change) => changes.push(change));
  return { clock, mode, changes };
};

const INTERVAL_MS = 5_000;

/** The longest time that it is on after a critical sample, fed with a sample in each interval. */
const longestMs = (steps: readonly { isCritical: boolean }[], cooldownMs: number): number => {
  const { clock, mode, changes } = setup(cooldownMs);
  let lastCriticalMs = START_MS;
  let longest = 0;
  for (const { isCritical } of steps) {
    if (isCritical) lastCriticalMs = clock.now();
    mode.observe(isCritical ? [MEMORY] : []);
    // What was reported, for asking would itself end it.
    const isOn = changes.length > 0 && changes.at(-1)?.kind !== 'left';
    longest = Math.max(longest, isOn ? clock.now() - lastCriticalMs : 0);
    clock.advance(INTERVAL_MS);
  }
  return longest;
};

describe('ProtectionMode', () => {
  it('calls the listeners that have not ended, and the others when one throws', async () => {
    const { mode, changes } = setup();
    const thrown = new Error('from a listener');
    const heard: string[] = [];
    const end = mode.onChange(({ kind }) => heard.push(kind));
    mode.onChange(() => {
      throw thrown;
    });
    mode.onChange(({ kind }) => heard.push(`last ${kind}`));
    // The test runner listens too, and would take the rejection for a failure.
    const others = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection');
    const rejections: unknown[] = [];
    const collect = (error: unknown): void => void rejections.push(error);
    process.on('unhandledRejection', collect);
    mode.enter('a test');
    end();
    end();
    mode.leave();
    await expect.poll(() => rejections).toEqual([thrown, thrown]);
    process.removeListener('unhandledRejection', collect);
    for (const other of others) process.on('unhandledRejection', other);
    expect(heard).toEqual(['entered', 'last entered', 'last left']);
    expect(changes.map(({ kind }) => kind)).toEqual(['entered', 'left']);
  });

  it('a critical figure turns it on for a cool-down of 5 minutes', () => {
    const { clock, mode, changes } = setup();
    mode.observe([]);
    expect(mode.status()).toEqual({ active: false });
    mode.observe([MEMORY, LOAD]);
    const status = {
      active: true,
      reason: { kind: 'critical', findings: [MEMORY, LOAD] },
      sinceMs: START_MS,
      leavesAtMs: START_MS + 5 * MINUTE_MS,
    };
    expect(mode.status()).toEqual(status);
    mode.observe([]);
    clock.advance(5 * MINUTE_MS - 1);
    expect(mode.status()).toEqual(status);
    clock.advance(1);
    expect(mode.status()).toEqual({ active: false });
    expect(changes).toEqual([
      { kind: 'entered', status, atMs: START_MS },
      { kind: 'left', cause: 'cool-down-over', activeMs: 5 * MINUTE_MS, atMs: START_MS + 5 * MINUTE_MS },
    ]);
  });

  it('leaves with a sample when there is no question', () => {
    const { clock, mode, changes } = setup();
    mode.observe([MEMORY]);
    clock.advance(5 * MINUTE_MS + 2_000);
    mode.observe([]);
    expect(changes.map(({ kind }) => kind)).toEqual(['entered', 'left']);
  });

  it('stays for another cool-down while something is still critical, for the reason it has now', () => {
    const { clock, mode, changes } = setup();
    mode.observe([MEMORY]);
    clock.advance(5 * MINUTE_MS);
    mode.observe([LOAD]);
    expect(mode.status()).toEqual({
      active: true,
      reason: { kind: 'critical', findings: [LOAD] },
      sinceMs: START_MS,
      leavesAtMs: START_MS + 10 * MINUTE_MS,
    });
    mode.observe([]);
    clock.advance(5 * MINUTE_MS);
    expect(mode.status()).toEqual({ active: false });
    expect(changes.map(({ kind }) => kind)).toEqual(['entered', 'stayed', 'left']);
    expect(changes.at(-1)).toMatchObject({ activeMs: 10 * MINUTE_MS });
  });

  it('is entered by hand and ends automatically', () => {
    const { clock, mode, changes } = setup();
    mode.enter('trying it out');
    expect(mode.status()).toMatchObject({ reason: { kind: 'by-hand', words: 'trying it out' } });
    clock.advance(MINUTE_MS);
    mode.enter('once more');
    expect(mode.status()).toMatchObject({ sinceMs: START_MS, leavesAtMs: START_MS + 6 * MINUTE_MS });
    clock.advance(5 * MINUTE_MS);
    expect(mode.status().active).toBe(false);
    expect(changes.map(({ kind }) => kind)).toEqual(['entered', 'stayed', 'left']);
  });

  it('is left by hand before its time, and entered again by what is critical still', () => {
    const { clock, mode, changes } = setup();
    mode.observe([MEMORY]);
    clock.advance(MINUTE_MS);
    mode.leave();
    mode.leave();
    expect(mode.status()).toEqual({ active: false });
    mode.observe([MEMORY]);
    expect(mode.status()).toMatchObject({ sinceMs: START_MS + MINUTE_MS });
    expect(changes.map((change) => (change.kind === 'left' ? change.cause : change.kind))).toEqual([
      'entered',
      'by-hand',
      'entered',
    ]);
  });

  it('says why in words', () => {
    expect(describeReason({ kind: 'critical', findings: [MEMORY, LOAD] })).toBe(
      'memory at 96 % (critical over 95 %), load at 3 per core (critical over 2.5 per core)',
    );
    expect(describeReason({ kind: 'by-hand', words: 'a test' })).toBe('by hand: a test');
  });

  it.each([-1, Number.NaN])('refuses a cool-down of %d', (cooldownMs) => {
    expect(() => setup(cooldownMs)).toThrow(/cooldownMs/);
  });

  /** Whether each sample is critical, and whether there is a question half an interval later. */
  const samples = fc.array(fc.record({ isCritical: fc.boolean(), isAsked: fc.boolean() }), {
    maxLength: 80,
  });
  const cooldowns = fc.integer({ min: 0, max: 60_000 });

  it('never leaves automatically before its cool-down, nor with something critical', () => {
    fc.assert(
      fc.property(samples, cooldowns, (steps, cooldownMs) => {
        const { clock, mode, changes } = setup(cooldownMs);
        let isCriticalNow = false;
        const leftWhileCritical: boolean[] = [];
        mode.onChange(({ kind }) => {
          if (kind === 'left') leftWhileCritical.push(isCriticalNow);
        });
        for (const { isCritical, isAsked } of steps) {
          isCriticalNow = isCritical;
          mode.observe(isCritical ? [MEMORY] : []);
          expect(mode.status().active || !isCritical).toBe(true);
          clock.advance(INTERVAL_MS / 2);
          if (isAsked) mode.status();
          clock.advance(INTERVAL_MS / 2);
        }
        expect(leftWhileCritical).not.toContain(true);
        for (const [index, change] of changes.entries()) {
          if (change.kind !== 'left') continue;
          const begun = changes[index - 1];
          expect(begun?.kind === 'entered' || begun?.kind === 'stayed').toBe(true);
          expect(change.atMs - (begun?.atMs ?? 0)).toBeGreaterThanOrEqual(cooldownMs);
        }
      }),
    );
  });

  it('is never on for longer than a cool-down and an interval after the last critical sample', () => {
    fc.assert(fc.property(samples, cooldowns, (steps, ms) => longestMs(steps, ms) < ms + INTERVAL_MS));
    expect(longestMs([{ isCritical: true }, { isCritical: false }, { isCritical: false }], 6_000)).toBe(
      5_000,
    );
  });
});
