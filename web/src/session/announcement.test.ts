import { describe, expect, it } from 'vitest';
import { announce, type Moment } from './announcement.ts';

const moment: Moment = { storyId: 's1', narration: 'pending', connection: 'live' };

describe('announce', () => {
  it.each<[string, Partial<Moment>, Partial<Moment>, string | undefined]>([
    ['nothing', {}, {}, undefined],
    ['a step', {}, { narration: 'processing' }, 'The narrator has begun.'],
    ['the end', { narration: 'processing' }, { narration: 'ready' }, 'The narration is ready.'],
    ['a failure, which its alert announces', {}, { narration: 'failed' }, undefined],
    ['another story', {}, { storyId: 's2', narration: 'ready' }, undefined],
    ['the first data', { narration: undefined }, { narration: 'ready' }, undefined],
    ['the first contact', { connection: 'connecting' }, {}, undefined],
    [
      'the network goes',
      {},
      { connection: 'offline' },
      'Offline: there is no contact with the server. What you see may be out of date.',
    ],
    ['the network comes', { connection: 'offline' }, {}, 'Connected again.'],
    [
      'a step outranks the network',
      { connection: 'stale' },
      { narration: 'ready' },
      'The narration is ready.',
    ],
  ])('%s', (_name, before, after, words) => {
    expect(announce({ ...moment, ...before }, { ...moment, ...after })).toBe(words);
  });
});
