import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { onSupervisorGone } from './supervisor-link.ts';

const linked = (connected: boolean | undefined) => {
  const told = { unrefs: 0, calls: 0 };
  const process = Object.assign(new EventEmitter(), {
    connected,
    channel: connected === true ? { unref: () => void (told.unrefs += 1) } : null,
  });
  const has = onSupervisorGone(() => void (told.calls += 1), process);
  return { told, process, has };
};

describe('onSupervisorGone', () => {
  it('calls back when the channel closes, and the channel holds nothing open', () => {
    const { told, process, has } = linked(true);
    expect([has, told]).toEqual([true, { unrefs: 1, calls: 0 }]);
    process.emit('disconnect');
    process.emit('disconnect');
    expect(told.calls).toBe(1);
  });

  it('never calls back where there is no supervisor', async () => {
    const { told, process, has } = linked(undefined);
    process.emit('disconnect');
    await Promise.resolve();
    expect([has, told.calls]).toEqual([false, 0]);
  });

  it('calls back when the supervisor went before anybody listened', async () => {
    const { told, has } = linked(false);
    await Promise.resolve();
    expect([has, told.calls]).toEqual([true, 1]);
  });
});
