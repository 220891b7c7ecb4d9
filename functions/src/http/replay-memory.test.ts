import { SIGNATURE_TOLERANCE_SECONDS } from '@taleback/core/signatures';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createReplayMemory } from './authenticate.ts';

const TOLERANCE_MS = SIGNATURE_TOLERANCE_SECONDS * 1000;

describe('the replay memory', () => {
  it('knows a message for as long as its signature can hold, and no longer', () => {
    let nowMs = 0;
    const memory = createReplayMemory(() => nowMs);
    memory.add('a');
    expect([memory.has('a'), memory.has('b')]).toEqual([true, false]);
    nowMs = 2 * TOLERANCE_MS - 1;
    memory.add('a');
    expect(memory.has('a')).toBe(true);
    nowMs += 1;
    expect(memory.has('a')).toBe(false);
  });

  it('never holds more than it may, and forgets the oldest first', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 60 }), (keys) => {
        const memory = createReplayMemory(() => 0, 5);
        const model: string[] = [];
        for (const key of keys.map(String)) {
          memory.add(key);
          if (!model.includes(key)) model.push(key);
          if (model.length > 5) model.shift();
          for (let other = 0; other <= 30; other += 1)
            expect(memory.has(String(other))).toBe(model.includes(String(other)));
        }
      }),
    );
  });
});
