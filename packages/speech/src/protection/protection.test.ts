import { createFakeClock } from '@taleback/resilience/testing';
import { describe, expect, it } from 'vitest';
import type { ControlFile } from './kill-switch.node.ts';
import type { MachineReading } from './machine-monitor.ts';
import { Protection, type ProtectionOptions, type SynthesisAdmission } from './protection.ts';

const MINUTE_MS = 60_000;

const setup = (options: ProtectionOptions = {}) => {
  const clock = createFakeClock(1_700_000_000_000);
  const machine = { reading: { cpuRatio: 0.1, memoryRatio: 0.1, loadPerCore: 0.1 } as MachineReading };
  const control = { text: undefined as string | undefined };
  const controlFile: ControlFile = {
    name: '.taleback/control.env',
    read: () =>
      control.text === undefined
        ? { kind: 'missing' }
        : { kind: 'text', text: control.text, stamp: control.text },
  };
  const lines: string[] = [];
  const protection = new Protection(options, {
    readMachine: async () => machine.reading,
    log: (severity, message) => lines.push(`${severity}: ${message}`),
    controlFile,
    clock,
  });
  return { clock, machine, control, lines, protection };
};

const refusalOf = (admission: SynthesisAdmission) => {
  if (admission.admitted) return 'admitted';
  const { code, details, retryAfterMs, retryable } = admission.error;
  return { code, details, retryAfterMs, retryable };
};

describe('Protection', () => {
  it('admits on a healthy machine', async () => {
    const { clock, protection, lines } = setup();
    protection.start();
    await clock.advanceAsync(MINUTE_MS);
    expect(protection.admit()).toEqual({ admitted: true });
    expect(lines).toEqual([]);
  });

  it('blocks new synthesis for 5 minutes when memory is critical, and recovers automatically', async () => {
    const { clock, machine, protection, lines } = setup();
    machine.reading = { memoryRatio: 0.96 };
    protection.start();
    await clock.settle();
    expect(refusalOf(protection.admit())).toEqual({
      code: 'system_protection',
      details: 'memory at 96 % (critical over 95 %)',
      retryAfterMs: 5 * MINUTE_MS,
      retryable: true,
    });
    machine.reading = { memoryRatio: 0.4 };
    await clock.advanceAsync(5 * MINUTE_MS - 1);
    expect(refusalOf(protection.admit())).toMatchObject({ retryAfterMs: 1 });
    await clock.advanceAsync(1);
    expect(protection.admit()).toEqual({ admitted: true });
    expect(lines).toEqual([
      'warn: SYSTEM PROTECTION: memory at 96 % (critical over 95 %)',
      'error: SYSTEM PROTECTION entered: memory at 96 % (critical over 95 %)',
      'info: SYSTEM PROTECTION: memory at 40 %, normal again',
      'warn: SYSTEM PROTECTION left: the cool-down is over',
    ]);
  });

  it('is not tripped by a single spike of CPU, but by 3 samples in a row', async () => {
    const { clock, machine, protection } = setup();
    protection.start();
    await clock.settle();
    machine.reading = { cpuRatio: 1 };
    await clock.advanceAsync(10_000);
    machine.reading = { cpuRatio: 0.5 };
    await clock.advanceAsync(5_000);
    expect(protection.admit().admitted).toBe(true);
    machine.reading = { cpuRatio: 1 };
    await clock.advanceAsync(15_000);
    expect(refusalOf(protection.admit())).toMatchObject({ details: 'cpu at 100 % (critical over 95 %)' });
  });

  it('a load average over 10 on four cores blocks new synthesis', async () => {
    const { clock, machine, protection } = setup();
    machine.reading = { loadPerCore: 67 / 4 };
    protection.start();
    await clock.settle();
    expect(refusalOf(protection.admit())).toMatchObject({
      code: 'system_protection',
      details: 'load at 16.75 per core (critical over 2.5 per core)',
    });
  });

  it('TTS_PROVIDER=disabled refuses everything, until it is enabled again', async () => {
    const { clock, control, protection, lines } = setup({ ttsProvider: 'disabled' });
    protection.start();
    expect(refusalOf(protection.admit())).toEqual({
      code: 'synthesis_disabled',
      details: 'TTS_PROVIDER=disabled in the environment',
      retryAfterMs: undefined,
      retryable: true,
    });
    control.text = 'TTS_PROVIDER=kokoro\n';
    // Nobody asks: the monitor notices.
    await clock.advanceAsync(5_000);
    control.text += 'TTS_PROVIDER=disabled\n';
    await clock.advanceAsync(5_000);
    expect(lines).toEqual([
      'warn: SYSTEM PROTECTION: synthesis is disabled (TTS_PROVIDER=disabled)',
      'warn: SYSTEM PROTECTION: synthesis is enabled',
      'warn: SYSTEM PROTECTION: synthesis is disabled (TTS_PROVIDER=disabled)',
    ]);
    expect(refusalOf(protection.admit())).toMatchObject({
      details: 'TTS_PROVIDER=disabled in .taleback/control.env',
    });
  });

  it('admits 10 requests in any minute when configured to', () => {
    const { clock, protection } = setup({ requestsPerMinute: 10 });
    for (let request = 0; request < 10; request += 1) {
      expect(protection.admit()).toEqual({ admitted: true });
      clock.advance(1_000);
    }
    expect(refusalOf(protection.admit())).toEqual({
      code: 'provider_rate_limited',
      details: 'limit of 10 in any minute',
      retryAfterMs: 50_000,
      retryable: true,
    });
    clock.advance(50_000);
    expect([protection.admit().admitted, protection.admit().admitted]).toEqual([true, false]);
  });

  it('has no rate limit unless configured', () => {
    const { protection } = setup();
    for (let request = 0; request < 1_000; request += 1) expect(protection.admit().admitted).toBe(true);
  });

  it('asks the kill switch first, then protection, then the rate limit, of which a refusal takes nothing', () => {
    const { clock, control, protection } = setup({ requestsPerMinute: 1 });
    const codeNow = () => {
      clock.advance(1_000);
      const admission = protection.admit();
      return admission.admitted ? 'admitted' : admission.error.code;
    };
    control.text = 'TTS_PROVIDER=disabled';
    protection.mode.enter('a test');
    expect(codeNow()).toBe('synthesis_disabled');
    control.text = undefined;
    expect(codeNow()).toBe('system_protection');
    protection.mode.leave();
    expect(codeNow()).toBe('admitted');
    expect(codeNow()).toBe('provider_rate_limited');
    protection.mode.enter('a test');
    expect(codeNow()).toBe('system_protection');
    control.text = 'TTS_PROVIDER=disabled';
    expect(codeNow()).toBe('synthesis_disabled');
  });

  it('stops without a timer left, and what was critical then holds nothing up', async () => {
    const { clock, machine, protection } = setup();
    machine.reading = { memoryRatio: 0.99 };
    protection.start();
    protection.start();
    await clock.settle();
    protection.stop();
    protection.stop();
    expect(clock.pendingTimers).toBe(0);
    expect(protection.admit().admitted).toBe(false);
    clock.advance(5 * MINUTE_MS);
    expect(protection.admit().admitted).toBe(true);
    protection.start();
    await clock.settle();
    expect(protection.admit().admitted).toBe(false);
    protection.stop();
  });

  it('gives an overview', async () => {
    const { clock, protection } = setup();
    expect(protection.overview()).toEqual({
      killSwitch: { disabled: false, source: 'environment' },
      mode: { active: false },
      machine: undefined,
    });
    protection.start();
    await clock.settle();
    expect(protection.overview().machine?.levels).toEqual({
      cpu: 'normal',
      memory: 'normal',
      load: 'normal',
    });
    protection.stop();
  });

  it.each<ProtectionOptions>([{ requestsPerMinute: -1 }, { requestsPerMinute: 1.5 }, { cooldownMs: -1 }])(
    'refuses %j',
    (options) => {
      expect(() => setup(options)).toThrow(RangeError);
    },
  );
});
