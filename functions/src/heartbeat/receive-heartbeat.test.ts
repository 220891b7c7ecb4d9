import type { Heartbeat } from '@taleback/core';
import { describe, expect, it } from 'vitest';
import { type HeartbeatOptions, receiveHeartbeat } from './receive-heartbeat.ts';

const voice = { id: 'slt', languages: ['en'] };
const bodyWith = (voices: readonly unknown[]) => ({
  worker_id: 'w1',
  state: 'ready',
  engines: [{ name: 'flite', state: 'ready', languages: ['en'], voices }],
});

const wire = (isNews = true, menuFault?: string) => {
  const kept: Heartbeat[] = [];
  const logged: unknown[] = [];
  const options: HeartbeatOptions = {
    keep: async (heartbeat) => {
      kept.push(heartbeat);
      return { kind: 'kept', isNews, menuFault };
    },
    log: (level, message, fields) => {
      logged.push([level, message, fields]);
    },
    now: () => 0,
  };
  return { receive: (body: unknown) => receiveHeartbeat(body, options), kept, logged };
};

describe('receiveHeartbeat', () => {
  it('keeps a heartbeat without its odd voices, and warns how many those are', async () => {
    const { receive, kept, logged } = wire();
    expect(await receive(bodyWith([voice, { id: 7 }, { id: 'b', languages: ['en', 5] }]))).toEqual({
      kind: 'accepted',
      commands: [],
    });
    expect(kept[0]?.engines[0]?.voices.map(({ id }) => id)).toEqual(['slt', 'b']);
    expect(logged[0]).toEqual([
      'warn',
      'odd voices and languages left out',
      { workerId: 'w1', state: 'ready', leftOut: 2 },
    ]);
  });

  it.each([
    [true, [['info', 'worker reported news', { workerId: 'w1', state: 'ready' }]]],
    [false, []],
  ])('logs a heartbeat without odd voices only if it is news: %s', async (isNews, lines) => {
    const { receive, logged } = wire(isNews);
    await receive(bodyWith([voice]));
    expect(logged).toEqual(lines);
  });

  it('warns when the menu could not be written', async () => {
    const { receive, logged } = wire(false, 'no answer');
    expect(await receive(bodyWith([voice]))).toMatchObject({ kind: 'accepted' });
    expect(logged).toEqual([
      ['warn', 'the menu could not be written', { workerId: 'w1', cause: 'no answer' }],
    ]);
  });

  it('refuses a body that is no heartbeat', async () => {
    const { receive, kept } = wire();
    expect(await receive({ engines: [] })).toMatchObject({ kind: 'wrong-shape' });
    expect(kept).toEqual([]);
  });
});
