import { EventEmitter } from 'node:events';
import { createFakeClock } from '@taleback/resilience/testing';
import { describe, expect, it } from 'vitest';
import { installProcessFaults, type ProcessFaultsOptions } from './process-faults.ts';
import type { SynthesisEvent } from '@taleback/speech';

const setup = (change: Partial<ProcessFaultsOptions> = {}) => {
  const clock = createFakeClock();
  const emitter = new EventEmitter();
  const exits: number[] = [];
  const lines: { severity: string; message: string; fields: Record<string, unknown> }[] = [];
  const events: SynthesisEvent[] = [];
  const drains: { finish: () => void; fail: (error: Error) => void }[] = [];
  const uninstall = installProcessFaults({
    process: Object.assign(emitter, { exit: (code: number) => void exits.push(code) }),
    log: (severity, message, fields = {}) => void lines.push({ severity, message, fields }),
    record: (event) => void events.push(event),
    drain: () =>
      new Promise((resolve, reject) => {
        drains.push({ finish: resolve, fail: reject });
      }),
    drainMs: 20_000,
    clock,
    ...change,
  });
  return { clock, emitter, exits, lines, events, drains, uninstall };
};

describe('unhandled promise rejections and uncaught exceptions', () => {
  it.each(['unhandledRejection', 'uncaughtException'] as const)(
    '%s is logged with its context, counted, drained once, and ends the process with 1',
    async (origin) => {
      const { clock, emitter, exits, lines, events, drains } = setup();
      emitter.emit(origin, new TypeError('no such voice', { cause: new Error('disk') }));
      expect(lines).toEqual([
        {
          severity: 'error',
          message: 'process fault',
          fields: {
            origin,
            error: {
              name: 'TypeError',
              message: 'no such voice',
              stack: expect.stringContaining('process-faults.test.ts'),
              cause: 'Error: disk',
            },
            whileDraining: false,
          },
        },
      ]);
      expect(events).toEqual([{ kind: 'process-fault', origin }]);
      await clock.settle();
      expect([drains.length, exits]).toEqual([1, []]);
      drains[0]?.finish();
      await clock.settle();
      expect(exits).toEqual([1]);
      expect(clock.pendingTimers).toBe(0);
    },
  );

  it('what was rejected with need not be an error', () => {
    const { emitter, lines } = setup();
    const words: unknown[] = [];
    const unprintable = {
      toString: (): string => {
        throw new Error('no');
      },
    };
    for (const fault of ['text', undefined, Symbol('s'), unprintable]) {
      emitter.emit('unhandledRejection', fault);
      words.push(lines.at(-1)?.fields['error']);
    }
    expect(words).toEqual([
      { name: 'string', message: 'text' },
      { name: 'undefined', message: 'undefined' },
      { name: 'symbol', message: 'Symbol(s)' },
      { name: 'object', message: 'It cannot be printed.' },
    ]);
  });
});

describe('while it drains', () => {
  it('a second fault is logged and counted, and does not drain again', async () => {
    const { clock, emitter, exits, lines, events, drains } = setup();
    emitter.emit('uncaughtException', new Error('first'));
    emitter.emit('unhandledRejection', new Error('second'));
    await clock.settle();
    expect(lines.map(({ fields }) => fields['whileDraining'])).toEqual([false, true]);
    expect([events.length, drains.length, exits]).toEqual([2, 1, []]);
    drains[0]?.finish();
    await clock.settle();
    expect(exits).toEqual([1]);
  });

  it('leaves when the time is over', async () => {
    const { clock, emitter, exits, lines } = setup();
    emitter.emit('uncaughtException', new Error('first'));
    await clock.advanceAsync(19_999);
    expect(exits).toEqual([]);
    await clock.advanceAsync(1);
    expect(exits).toEqual([1]);
    expect(lines.at(-1)).toMatchObject({ message: 'drain after a fault took too long' });
  });

  it('leaves when the drain fails', async () => {
    const { clock, emitter, exits, lines, drains } = setup();
    emitter.emit('uncaughtException', new Error('first'));
    drains[0]?.fail(new Error('no drain'));
    await clock.settle();
    expect(exits).toEqual([1]);
    expect(lines.at(-1)).toMatchObject({ fields: { error: { message: 'no drain' } } });
  });

  it('leaves when the drain throws instead of rejecting', async () => {
    const { clock, emitter, exits } = setup({
      drain: () => {
        throw new Error('not even a promise');
      },
    });
    emitter.emit('uncaughtException', new Error('first'));
    await clock.settle();
    expect(exits).toEqual([1]);
  });
});

describe('a fault in the handler', () => {
  it('ends the process at once', () => {
    const { emitter, exits, drains } = setup({
      log: () => {
        throw new Error('the disk of the log is full');
      },
    });
    emitter.emit('uncaughtException', new Error('first'));
    expect([exits, drains.length]).toEqual([[1], 0]);
  });

  it('ends it too when it comes back as a fault of its own', () => {
    const emitter = new EventEmitter();
    const { exits } = setup({
      process: Object.assign(emitter, { exit: (code: number) => void exits.push(code) }),
      record: () => void emitter.emit('uncaughtException', new Error('within')),
    });
    emitter.emit('uncaughtException', new Error('first'));
    expect(exits[0]).toBe(1);
  });
});

it('takes its handlers away', () => {
  const { emitter, uninstall } = setup();
  expect(emitter.eventNames()).toEqual(['unhandledRejection', 'uncaughtException']);
  uninstall();
  expect(emitter.eventNames()).toEqual([]);
});
