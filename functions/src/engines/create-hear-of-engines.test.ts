import type { EnginesReport } from '@taleback/core';
import { describe, expect, it } from 'vitest';
import { createHearOfEngines } from './create-hear-of-engines.ts';

const voice = { id: 'slt', languages: ['en'] };
const bodyWith = (voices: readonly unknown[]) => ({
  worker_id: 'w1',
  state: 'ready',
  engines: [{ name: 'flite', state: 'ready', languages: ['en'], voices }],
});

const wire = () => {
  const kept: EnginesReport[] = [];
  const logged: unknown[] = [];
  const hear = createHearOfEngines({
    engines: {
      keep: async (report) => {
        kept.push(report);
        return { kind: 'kept', changed: [] };
      },
    },
    log: (level, message, fields) => {
      logged.push([level, message, fields]);
    },
    now: () => 0,
  });
  return { hear, kept, logged };
};

describe('createHearOfEngines', () => {
  it('keeps a report without its odd voices, and warns of how many those are', async () => {
    const { hear, kept, logged } = wire();
    expect(await hear(bodyWith([voice, { id: 7 }, { id: 'b', languages: ['en', 5] }]))).toEqual({
      kind: 'accepted',
    });
    expect(kept[0]?.engines[0]?.voices.map(({ id }) => id)).toEqual(['slt', 'b']);
    expect(logged[0]).toEqual([
      'warn',
      'odd voices and languages left out',
      { workerId: 'w1', state: 'ready', leftOut: 2 },
    ]);
  });

  it('warns of nothing where nothing is odd', async () => {
    const { hear, logged } = wire();
    await hear(bodyWith([voice]));
    expect(logged).toEqual([['info', 'engines told', expect.anything()]]);
  });

  it('refuses what is no report at all', async () => {
    const { hear, kept } = wire();
    expect(await hear({ engines: [] })).toMatchObject({ kind: 'wrong-shape' });
    expect(kept).toEqual([]);
  });
});
