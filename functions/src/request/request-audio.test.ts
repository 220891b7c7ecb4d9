import {
  DEFAULT_STORY_LIMITS,
  readAttemptAudio,
  readNarration,
  readStoryAudio,
  type TtsJobEvent,
} from '@taleback/core';
import { describe, expect, it } from 'vitest';
import type { ApplyOutcome, MessageTarget } from '../stories/documents.ts';
import type { StoryStore } from '../stories/firestore-stories.node.ts';
import type { StoryText } from '../stories/opening.ts';
import { requestAudio, retryAutomatically } from './request-audio.ts';

const NOW_MS = Date.UTC(2026, 0, 2);

const story = (fields: Partial<StoryText> = {}, audio: Record<string, unknown> = {}): StoryText => ({
  userId: 'u1',
  title: 'The Tide',
  text: 'Once upon a time.',
  language: undefined,
  voiceId: undefined,
  voiceName: undefined,
  storyType: undefined,
  extras: undefined,
  ...fields,
  audio: readStoryAudio(audio),
});

/** A request over ports of ours: one story, a store that decides twice as a contended transaction does, a queue. */
const wire = (
  found: StoryText | undefined,
  { apply, ...options }: Partial<Parameters<typeof requestAudio>[3]> & { apply?: StoryStore['apply'] } = {},
) => {
  const published: TtsJobEvent[] = [];
  const applied: { target: MessageTarget; decision: unknown }[] = [];
  const opened: unknown[] = [];
  const order: string[] = [];
  let ids = 0;
  const all: Parameters<typeof requestAudio>[3] = {
    stories: {
      open: async ({ storyId, jobId, account }, decide) => {
        decide(found);
        const decision = decide(found);
        order.push(decision.kind);
        opened.push({ storyId, jobId, ...(account === undefined ? {} : { account }) });
        return decision;
      },
      apply:
        apply ??
        (async (target, decide): Promise<ApplyOutcome> => {
          const opening = { audioStatus: 'pending', audioJobId: target.jobId, audioAttempt: 1 };
          const current = readAttemptAudio(target.jobId ?? '', { number: 1, status: 'pending' });
          const decision = decide(readStoryAudio(opening), { current });
          applied.push({ target, decision });
          const narration = readNarration(opening);
          return { kind: 'decided', decision: decision.kind, isWanted: true, narration };
        }),
    },
    queue: {
      publish: async (job) => {
        order.push('published');
        published.push(job);
      },
    },
    limits: DEFAULT_STORY_LIMITS,
    defaultVoice: 'slt',
    callbackUrl: 'https://tales.example/api/tts/callback',
    pendingLeaseMs: 900_000,
    log: () => {},
    now: () => NOW_MS,
    newId: () => {
      ids += 1;
      return `job-${ids}`;
    },
    ...options,
  };
  return {
    ask: (data: unknown = { storyId: 's1' }, kind: 'request' | 'retry' = 'request', userId = 'u1') =>
      requestAudio(kind, userId, data, all),
    askAutomatically: () => retryAutomatically('s1', all),
    published,
    applied,
    opened,
    order,
  };
};

const storeAway = async (): Promise<ApplyOutcome> => ({ kind: 'store-away', cause: 'UNAVAILABLE' });

describe('requestAudio', () => {
  it('opens the attempt, then queues its job in the words of the handler', async () => {
    const { ask, published, order } = wire(story());
    expect(await ask()).toEqual({ kind: 'opened', jobId: 'job-1', attempt: 1 });
    expect(order).toEqual(['opened', 'published']);
    expect(published).toEqual([
      {
        id: 'job-1',
        input: {
          text: 'Once upon a time.',
          voice_id: 'slt',
          language: 'en',
          story_type: 'user',
          story_name: 'The Tide',
          metadata: {
            story_id: 's1',
            user_id: 'u1',
            callback_url: 'https://tales.example/api/tts/callback',
            attempt: 1,
          },
        },
      },
    ]);
  });

  it('takes a priority from the server, never from the person', async () => {
    const asked = { storyId: 's1', priority: 'high', speed: 9 };
    const person = wire(story());
    await person.ask(asked);
    expect(person.published[0]?.input).not.toHaveProperty('priority');
    const vip = wire(story(), { priority: 'high' });
    await vip.ask({ storyId: 's1', priority: 'low' });
    expect(vip.published[0]?.input).toMatchObject({ priority: 'high' });
  });

  it('makes again what another server’s job was made of, and leaves the recording out with another voice', async () => {
    const extras = { profile_path: 'private/users/u1/voices/ann.wav', genre: 'fable' };
    const kept = wire(story({ voiceId: 'ann', extras }));
    await kept.ask();
    expect(kept.published[0]?.input).toMatchObject(extras);
    const other = wire(story({ voiceId: 'ann', extras }));
    await other.ask({ storyId: 's1', voiceId: 'bob' });
    expect(other.published[0]?.input).toMatchObject({ voice_id: 'bob', genre: 'fable' });
    expect(other.published[0]?.input).not.toHaveProperty('profile_path');
  });

  it.each([
    ['a recording that was not kept', { has_recording: true }],
    ['a recording of a former owner', { profile_path: 'private/users/u9/voices/ann.wav' }],
  ])('does not tell a story in a stranger’s voice for %s', async (_, lost) => {
    const found = story(
      { voiceId: 'ann', voiceName: 'Ann', extras: { ...lost, genre: 'fable' } },
      { audioStatus: 'failed', audioJobId: 'old', audioAttempt: 1, audioRetryAt: NOW_MS },
    );
    const unfit = { kind: 'unfit', code: 'voice_profile_missing', field: 'voiceId' };
    const { ask, askAutomatically, published } = wire(found);
    expect(await ask({ storyId: 's1' }, 'retry')).toMatchObject(unfit);
    expect(await ask({ storyId: 's1', voiceId: 'ann' }, 'request')).toMatchObject(unfit);
    expect(await askAutomatically()).toMatchObject(unfit);
    expect(published).toEqual([]);
    expect(await ask({ storyId: 's1', voiceId: 'bob' }, 'retry')).toMatchObject({ kind: 'opened' });
    expect(published[0]?.input).toMatchObject({ voice_id: 'bob', genre: 'fable' });
    expect(published[0]?.input).not.toHaveProperty(Object.keys(lost)[0] ?? '');
  });

  it('tells a story again whose recording came with its place in the store', async () => {
    const profile_path = 'private/users/u1/voices/ann.wav';
    const { ask, published } = wire(story({ voiceId: 'ann', extras: { has_recording: true, profile_path } }));
    expect(await ask()).toMatchObject({ kind: 'opened' });
    expect(published[0]?.input).toMatchObject({ profile_path });
    expect(published[0]?.input).not.toHaveProperty('has_recording');
  });

  it.each([
    ['the story’s own voice', { voiceId: 'ann', voiceName: 'Ann' }, {}, ['ann', 'Ann']],
    [
      'the voice asked for, without another’s name',
      { voiceId: 'ann', voiceName: 'Ann' },
      { voiceId: 'bob' },
      ['bob', undefined],
    ],
    [
      'the name of a voice asked for again',
      { voiceId: 'ann', voiceName: 'Ann' },
      { voiceId: 'ann' },
      ['ann', 'Ann'],
    ],
    ['the default of a story without one', {}, {}, ['slt', undefined]],
  ])('narrates with %s', async (_, fields, data, expected) => {
    const { ask, published } = wire(story(fields));
    await ask({ storyId: 's1', ...data });
    expect(published.map(({ input }) => [input.voice_id, input.voice_name])).toEqual([expected]);
  });

  it.each([
    [{ language: 'en-GB' }, {}, 'en-GB'],
    [{ language: 'xx' }, { language: 'en-US' }, 'en-US'],
    [{}, {}, 'en'],
  ])('speaks the language of %o asked with %o', async (fields, data, language) => {
    const { ask, published } = wire(story(fields));
    await ask({ storyId: 's1', ...data });
    expect(published[0]?.input.language).toBe(language);
  });

  it.each([
    ['no story', undefined],
    ['a story of somebody else', story({ userId: 'u2' })],
    ['a story of nobody', story({ userId: undefined })],
  ])('has no such story: %s', async (_, found) => {
    const { ask, published } = wire(found);
    expect(await ask()).toEqual({ kind: 'no-such-story' });
    expect(published).toEqual([]);
  });

  it.each([
    [{ text: undefined }, 'text_empty', 'text'],
    [{ text: '  ' }, 'text_empty', 'text'],
    [{ text: 'word '.repeat(5_000) }, 'text_too_long', 'text'],
    [{ text: 'a\u0000b' }, 'text_encoding_invalid', 'text'],
    [{ text: '***' }, 'text_not_speakable', 'text'],
    [{ text: 'Жили-были старик' }, 'script_unsupported', 'text'],
    [{ language: 'xx' }, 'language_unsupported', 'language'],
  ])('does not queue a story that is unfit: %o', async (fields, code, field) => {
    const { ask, published } = wire(story(fields));
    expect(await ask()).toMatchObject({
      kind: 'unfit',
      code,
      field,
      sentence: expect.stringMatching(`^${field}: `),
    });
    expect(published).toEqual([]);
  });

  describe('answers of what is there already', () => {
    const running = { audioJobId: 'old', audioAttempt: 3, audioLeaseExpiresAt: NOW_MS + 1 };

    it.each(['pending', 'processing'])('a %s job with a lease is under way', async (audioStatus) => {
      for (const kind of ['request', 'retry'] as const) {
        const { ask, published } = wire(story({}, { ...running, audioStatus }));
        expect(await ask({ storyId: 's1' }, kind)).toEqual({ kind: 'under-way', jobId: 'old', attempt: 3 });
        expect(published).toEqual([]);
      }
    });

    it('is under way also when its text has become unfit', async () => {
      const { ask } = wire(story({ text: '' }, { ...running, audioStatus: 'pending' }));
      expect(await ask()).toMatchObject({ kind: 'under-way' });
    });

    it.each([{ audioLeaseExpiresAt: NOW_MS }, { audioLeaseExpiresAt: undefined }])(
      'a job whose lease ran out is opened again: %o',
      async (lease) => {
        const { ask } = wire(story({}, { ...running, audioStatus: 'processing', ...lease }));
        expect(await ask()).toEqual({ kind: 'opened', jobId: 'job-1', attempt: 4 });
      },
    );

    it('a retry of a story that is ready changes nothing, a new request makes it again', async () => {
      const ready = story({}, { audioStatus: 'ready', audioJobId: 'old', audioAttempt: 1 });
      expect(await wire(ready).ask({ storyId: 's1' }, 'retry')).toEqual({
        kind: 'already-ready',
        jobId: 'old',
        attempt: 1,
      });
      expect(await wire(ready).ask()).toMatchObject({ kind: 'opened', attempt: 2 });
    });

    it.each(['request', 'retry'] as const)(
      'a %s of a story that failed is the next attempt',
      async (kind) => {
        const failed = story({}, { audioStatus: 'failed', audioJobId: 'old', audioAttempt: 1 });
        expect(await wire(failed).ask({ storyId: 's1' }, kind)).toMatchObject({ kind: 'opened', attempt: 2 });
      },
    );
  });

  it('refuses a malformed request before it reads anything', async () => {
    const { ask, opened } = wire(story());
    expect(await ask({ storyId: 'a/b' })).toEqual({
      kind: 'invalid',
      sentence: expect.stringMatching(/^storyId: /),
    });
    expect(opened).toEqual([]);
  });

  describe('when the queue does not take the job', () => {
    const queue = { publish: () => Promise.reject(new Error('DEADLINE_EXCEEDED')) };

    it('fails the attempt it opened, so that no one waits', async () => {
      const { ask, applied } = wire(story(), { queue });
      expect(await ask()).toEqual({ kind: 'queue-away' });
      expect(applied).toMatchObject([
        {
          target: { storyId: 's1', jobId: 'job-1' },
          decision: {
            kind: 'applied',
            story: {
              set: {
                audioStatus: 'failed',
                audioErrorCode: 'queue_unavailable',
                audioErrorRetryable: true,
                audioErrorDetails: 'DEADLINE_EXCEEDED',
              },
            },
          },
        },
      ]);
    });

    it('reports it also when the story cannot be written', async () => {
      expect(await wire(story(), { queue, apply: storeAway }).ask()).toEqual({ kind: 'queue-away' });
    });
  });
});
