import { describe, expect, it } from 'vitest';
import { createGate } from '../../test/gate.ts';
import { createFakeFeed } from '../../test/fake-feed.ts';
import type { AskAnswer } from '../live/ask.ts';
import { createAsking } from './asking.ts';

const ask = { storyId: 's1', voiceId: undefined };

const setUp = () => {
  const feed = createFakeFeed();
  const said: string[] = [];
  return { feed, said, asking: createAsking(feed, (words) => said.push(words)) };
};

describe('createAsking', () => {
  it('makes one ask of two presses', async () => {
    const { feed, asking } = setUp();
    const answer = createGate<AskAnswer>();
    feed.answers.ask = () => answer.promise;
    const first = asking.ask('retry', ask);
    const second = asking.ask('retry', ask);
    expect(asking.state.value.kind).toBe('asking');
    answer.open({ kind: 'opened' });
    await Promise.all([first, second]);
    expect(feed.asks).toEqual([{ name: 'retry', ...ask }]);
    expect(asking.state.value.kind).toBe('idle');
  });

  it.each([
    ['opened', []],
    ['under-way', ['The narrator is at work on this story already.']],
    ['already-ready', ['The narration is ready already.']],
  ] as const)('says what %s means where the story does not', async (kind, words) => {
    const { feed, said, asking } = setUp();
    feed.answers.ask = () => Promise.resolve({ kind });
    await asking.ask('request', ask);
    expect(said).toEqual(words);
  });

  it('keeps a refusal until the story moves on', async () => {
    const { feed, asking } = setUp();
    feed.answers.ask = () => Promise.resolve({ kind: 'refused', code: 'voice_not_found', words: 'no' });
    await asking.ask('request', ask);
    expect(asking.state.value).toMatchObject({ kind: 'refused', code: 'voice_not_found' });
    asking.forget();
    expect(asking.state.value.kind).toBe('idle');
  });
});
