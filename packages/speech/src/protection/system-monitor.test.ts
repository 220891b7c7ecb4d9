import { createFakeClock } from '@taleback/resilience/testing';
import { describe, expect, it } from 'vitest';
import type { MachineReading, MachineState } from './machine-monitor.ts';
import { SystemMonitor, type SystemMonitorOptions } from './machine-monitor.ts';

const setup = (options: SystemMonitorOptions = {}) => {
  const clock = createFakeClock(1_000_000);
  const states: MachineState[] = [];
  const machine = { reading: {} as MachineReading, reads: 0 };
  const readMachine = async (): Promise<MachineReading> => {
    machine.reads += 1;
    return machine.reading;
  };
  const onSample = (state: MachineState): void => void states.push(state);
  const monitor = new SystemMonitor(options, { readMachine, clock, onSample });
  return { clock, states, machine, monitor };
};

const critical = ({ findings }: MachineState) =>
  findings.filter(({ level }) => level === 'critical').map(({ figure }) => figure);

describe('SystemMonitor', () => {
  it('samples at once and then every 5 s', async () => {
    const { clock, states, monitor, machine } = setup();
    machine.reading = { memoryRatio: 0.5 };
    monitor.start();
    await clock.advanceAsync(15_000);
    expect(states.map(({ sample }) => sample)).toEqual(
      [0, 5_000, 10_000, 15_000].map((ms) => ({ memoryRatio: 0.5, atMs: 1_000_000 + ms })),
    );
    expect(monitor.state).toBe(states.at(-1));
  });

  it('takes memory for critical at once and CPU in the third sample', async () => {
    const { clock, states, monitor, machine } = setup();
    machine.reading = { memoryRatio: 0.96, cpuRatio: 0.99 };
    monitor.start();
    await clock.advanceAsync(10_000);
    expect(states.map(critical)).toEqual([['memory'], ['memory'], ['cpu', 'memory']]);
  });

  it('has its own numbers for each option', async () => {
    const { clock, states, monitor, machine } = setup({
      intervalMs: 1_000,
      cpuCriticalSamples: 1,
      thresholds: { cpu: { warning: 0.1, critical: 0.2 } },
    });
    machine.reading = { cpuRatio: 0.3, memoryRatio: 0.7 };
    monitor.start();
    await clock.advanceAsync(2_000);
    expect(states.map(critical)).toEqual([['cpu'], ['cpu'], ['cpu']]);
  });

  it('stops, leaves no timer and forgets; starts again with a count of its own', async () => {
    const { clock, states, monitor, machine } = setup({ cpuCriticalSamples: 2 });
    machine.reading = { cpuRatio: 1 };
    monitor.start();
    monitor.start();
    await clock.settle();
    expect([states.length, clock.pendingTimers]).toEqual([1, 1]);
    monitor.stop();
    monitor.stop();
    expect([clock.pendingTimers, monitor.state]).toEqual([0, undefined]);
    await clock.advanceAsync(60_000);
    expect(machine.reads).toBe(1);
    monitor.start();
    await clock.advanceAsync(5_000);
    expect(states.map(critical)).toEqual([[], [], ['cpu']]);
  });

  it('does not listen to a reading that ends after it was stopped', async () => {
    const clock = createFakeClock();
    const gates: ((reading: MachineReading) => void)[] = [];
    const readMachine = (): Promise<MachineReading> => new Promise((resolve) => gates.push(resolve));
    const values: unknown[] = [];
    const onSample = ({ sample }: MachineState): void => void values.push(sample.memoryRatio);
    const monitor = new SystemMonitor({}, { readMachine, clock, onSample });
    monitor.start();
    monitor.stop();
    monitor.start();
    gates[0]?.({ memoryRatio: 0.1 });
    await clock.advanceAsync(5_000);
    gates[1]?.({ memoryRatio: 0.2 });
    await clock.settle();
    expect(values).toEqual([0.2]);
  });

  it('never reads twice at once, and takes the figures for unknown after three intervals without an answer', async () => {
    const clock = createFakeClock();
    const gates: ((reading: MachineReading) => void)[] = [];
    const readMachine = (): Promise<MachineReading> => new Promise((resolve) => gates.push(resolve));
    const seen: MachineState[] = [];
    const onSample = (state: MachineState): void => void seen.push(state);
    const monitor = new SystemMonitor({}, { readMachine, clock, onSample });
    monitor.start();
    gates[0]?.({ memoryRatio: 0.99 });
    await clock.advanceAsync(15_000);
    expect([gates.length, seen.length]).toEqual([2, 1]);
    await clock.advanceAsync(5_000);
    expect(seen).toHaveLength(2);
    await clock.advanceAsync(55_000);
    expect(gates).toHaveLength(2);
    expect(seen.map(({ levels }) => levels)).toEqual([{ memory: 'critical' }, {}]);
    gates[1]?.({ memoryRatio: 0.5 });
    await clock.advanceAsync(5_000);
    expect(seen.at(-1)?.levels).toEqual({ memory: 'normal' });
    expect(gates).toHaveLength(3);
  });

  it('waits as long for a reading that it finds under way when it starts again', async () => {
    const clock = createFakeClock();
    const seen: MachineState[] = [];
    const onSample = (state: MachineState): void => void seen.push(state);
    const monitor = new SystemMonitor({}, { readMachine: () => new Promise(() => {}), clock, onSample });
    monitor.start();
    monitor.stop();
    monitor.start();
    await clock.advanceAsync(5_000);
    expect(seen).toEqual([]);
    await clock.advanceAsync(5_000);
    expect(seen.map(({ levels }) => levels)).toEqual([{}]);
    monitor.stop();
  });

  it('may sample every millisecond', async () => {
    const { clock, states, monitor } = setup({ intervalMs: 1 });
    monitor.start();
    await clock.advanceAsync(3);
    expect(states.length).toBeGreaterThanOrEqual(3);
    monitor.stop();
  });

  it('takes a reading that fails for one without figures', async () => {
    const clock = createFakeClock();
    const monitor = new SystemMonitor(
      {},
      { readMachine: () => Promise.reject(new Error('odd')), clock, onSample: () => {} },
    );
    monitor.start();
    await clock.settle();
    expect(monitor.state?.levels).toEqual({});
    monitor.stop();
  });

  it.each<SystemMonitorOptions>([
    { intervalMs: 0 },
    { intervalMs: Number.NaN },
    { cpuCriticalSamples: 0 },
    { cpuCriticalSamples: 1.5 },
  ])('refuses %j, naming the field', (options) => {
    expect(() => setup(options)).toThrow(Object.keys(options)[0]);
  });
});
