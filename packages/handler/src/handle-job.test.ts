import { parseErrorCallback, parseProgress, parseSuccessCallback, TalebackError } from '@taleback/core';
import type { PostAnswer } from '@taleback/outbox';
import { describe, expect, it } from 'vitest';
import {
  answering,
  EVENT,
  everyRoute,
  failingStore,
  hanging,
  metadata,
  type Narrate,
  narration,
  ok,
  speakInHalves,
  throwing,
  unanswered,
  unreachable,
  wire,
} from '../test/handler-fixture.ts';

const speakAsAsked: Narrate = async (request, { onProgress, priority, tenant }) => {
  expect([priority, tenant]).toEqual([undefined, 'u1']);
  expect(request).toEqual({
    text: 'Once upon a time.',
    voiceId: 'slt',
    language: 'en',
    speed: undefined,
    pauseScale: undefined,
    recording: undefined,
    style: undefined,
    allowsOtherVoice: false,
  });
  onProgress(0.5);
  onProgress(1);
  return narration;
};

describe('a job that succeeds', () => {
  it('reports progress, stores the audio, then sends exactly one success callback', async () => {
    const { handle, sent, kept } = wire({ narrate: speakAsAsked });
    const key = 'private/users/u1/stories/audio/en/s1/j1.mp3';
    const url = `https://cdn.example/${key}`;
    const result = await handle(EVENT);
    expect(result).toEqual({
      status: 'success',
      audio_url: url,
      storage_path: key,
      duration_ms: 4_200,
      generation_time: expect.any(Number),
    });
    expect(kept).toEqual([
      {
        key,
        bytes: narration.bytes,
        contentType: 'audio/mpeg',
        metadata: {
          storyId: 's1',
          jobId: 'j1',
          userId: 'u1',
          voiceId: 'slt',
          language: 'en',
          engine: 'flite',
          durationMs: 4_200,
        },
      },
    ]);

    const end = sent.pop();
    expect(end).toEqual({
      route: 'callback',
      json: {
        story_id: 's1',
        user_id: 'u1',
        voice_id: 'slt',
        voice_name: null,
        audio_url: url,
        storage_path: key,
        language: 'en',
        job_id: 'j1',
        duration_ms: 4_200,
        metadata: {
          ...metadata,
          generation_time: result.generation_time,
          worker_id: 'w1',
          engine: 'flite',
          chunks: 1,
          size_bytes: 3,
        },
      },
    });
    expect(parseSuccessCallback(end?.json)).toMatchObject({ ok: true });

    expect(sent.length).toBeGreaterThan(0);
    expect(sent.map(({ route }) => route)).toEqual(sent.map(() => 'progress'));
    const fractions = sent.map(({ json }) => json['progress'] as number);
    expect(fractions).toEqual([...fractions].sort((one, other) => one - other));
    expect(sent[0]?.json).toEqual({ story_id: 's1', job_id: 'j1', stage: 'checking', progress: 0 });
    for (const { json } of sent) expect(parseProgress(json)).toMatchObject({ ok: true });
  });

  it('maps the share that is spoken into the whole, between checking and storing', async () => {
    const { handle, sent } = wire({ narrate: speakInHalves });
    await handle(EVENT);
    const spoken = sent
      .filter(({ json }) => json['stage'] === 'synthesizing')
      .map(({ json }) => json['progress']);
    expect(spoken).toEqual([0.05, 0.475, 0.9]);
  });

  it('needs no callback address', async () => {
    const { handle, sent, kept } = wire();
    const result = await handle({ id: 'j1', input: { text: 'Hello.', voice_id: 'slt' } });
    expect(result).toMatchObject({ status: 'success', storage_path: kept[0]?.key });
    expect(kept[0]?.key).toBe('private/users/unknown/stories/audio/en/unknown/j1.mp3');
    expect(sent).toEqual([]);
  });

  it('needs no id: it makes a name for the audio, and reports no progress without it', async () => {
    const { handle, sent, kept } = wire();
    await handle({ input: EVENT.input });
    expect(kept[0]?.key).toBe('private/users/u1/stories/audio/en/s1/new-id.mp3');
    expect(sent.map(({ route, json }) => [route, json['job_id']])).toEqual([['callback', null]]);
  });

  it.each([
    ['audio/mine.mp3', 'audio/mine.mp3'],
    ['../mine.mp3', 'private/users/u1/stories/audio/en/s1/j1.mp3'],
    ['/etc/mine.mp3', 'private/users/u1/stories/audio/en/s1/j1.mp3'],
  ])('asked to keep the audio at %s, keeps it at %s', async (wish, key) => {
    const { handle, kept } = wire();
    const input = { ...EVENT.input, metadata: { ...metadata, storage_path: wish } };
    expect(await handle({ ...EVENT, input })).toMatchObject({ storage_path: key });
    expect(kept.map((audio) => audio.key)).toEqual([key]);
  });
});

describe('a job that fails ends in one error callback', () => {
  it.each([
    [
      'an unknown voice',
      {
        narrate: throwing(
          new TalebackError('voice_not_found', 'There is no voice "bob".', { details: 'slt' }),
        ),
      },
      { code: 'voice_not_found', retryable: false, error: 'There is no voice "bob".', details: 'slt' },
    ],
    [
      'silent audio',
      { narrate: throwing(new TalebackError('audio_silent', 'The engine made only silence.')) },
      { code: 'audio_silent', retryable: true, error: 'The engine made only silence.', details: null },
    ],
    [
      'storage that fails',
      {
        store: failingStore(
          new TalebackError('disk_full', 'No space left for the audio', { details: 'ENOSPC' }),
        ),
      },
      { code: 'disk_full', retryable: true, error: 'No space left for the audio', details: 'ENOSPC' },
    ],
    [
      'storage that throws a plain error',
      { store: failingStore(Object.assign(new Error('write EIO'), { code: 'ENOSPC' })) },
      { code: 'disk_full', retryable: true, error: 'write EIO', details: 'ENOSPC write EIO' },
    ],
    [
      'a plain error with known words',
      { narrate: throwing(new Error('CUDA out of memory')) },
      {
        code: 'gpu_out_of_memory',
        retryable: true,
        error: 'CUDA out of memory',
        details: 'CUDA out of memory',
      },
    ],
    [
      'a plain error',
      { narrate: throwing(new Error('boom')) },
      { code: 'internal', retryable: true, error: 'boom', details: 'boom' },
    ],
    [
      'something thrown that is no error',
      { narrate: throwing(undefined) },
      { code: 'internal', retryable: true, error: 'unknown error', details: 'unknown error' },
    ],
    [
      'a narrator that throws at once',
      {
        narrate: () => {
          throw new Error('boom');
        },
      },
      { code: 'internal', retryable: true, error: 'boom', details: 'boom' },
    ],
  ])('%s', async (_, options, expected) => {
    const { handle, ends, logged } = wire(options);
    const result = await handle(EVENT);
    expect(result).toEqual({
      status: 'error',
      error: expected.error,
      error_type: expected.code,
      retryable: expected.retryable,
      generation_time: expect.any(Number),
    });
    expect(ends()).toEqual([
      {
        route: 'error-callback',
        json: {
          story_id: 's1',
          error: expected.error,
          error_details: expected.details,
          user_id: 'u1',
          voice_id: 'slt',
          job_id: 'j1',
          metadata: {
            language: 'en',
            story_type: 'user',
            text_length: EVENT.input.text.length,
            generation_time: result.generation_time,
            worker_id: 'w1',
            error_type: expected.code,
            retryable: expected.retryable,
          },
        },
      },
    ]);
    expect(parseErrorCallback(ends()[0]?.json)).toMatchObject({ ok: true });
    expect(logged).toContain('warn: narration failed');
  });

  it.each([
    ['no text', { text: undefined }, 'text_empty'],
    ['no voice', { voice_id: undefined }, 'request_invalid'],
    ['text without a letter', { text: '***' }, 'text_not_speakable'],
    ['too much text', { text: 'word '.repeat(5_000) }, 'text_too_long'],
    ['a language that no engine speaks', { language: 'xx' }, 'language_unsupported'],
    ['a foreign script', { text: 'Жили-были старик со старухой' }, 'script_unsupported'],
    ['control characters', { text: 'a\u0000b' }, 'text_encoding_invalid'],
  ])('%s, without any synthesis', async (_, fields, code) => {
    let spoken = 0;
    const { handle, ends, kept } = wire({
      narrate: () => {
        spoken += 1;
        return Promise.resolve(narration);
      },
    });
    const result = await handle({ ...EVENT, input: { ...EVENT.input, ...fields } });
    expect(result).toMatchObject({ status: 'error', error_type: code });
    expect(ends()).toMatchObject([
      { route: 'error-callback', json: { story_id: 's1', job_id: 'j1', metadata: { error_type: code } } },
    ]);
    expect([spoken, kept]).toEqual([0, []]);
  });

  it.each([undefined, null, [], 'job', { input: 7 }])('the event %o, without a callback', async (event) => {
    const { handle, sent } = wire();
    expect(await handle(event)).toMatchObject({ status: 'error', error_type: 'text_empty' });
    expect(sent).toEqual([]);
  });

  it('names the story "unknown" when the job did not say, as the source handlers do', async () => {
    const { handle, ends } = wire();
    await handle({ input: { voice_id: 'v', callback_url: metadata.callback_url } });
    expect(ends()).toMatchObject([{ json: { story_id: 'unknown', job_id: null, user_id: null } }]);
  });
});

describe('a receiver that is no help never costs the job', () => {
  it.each([
    ['away', unreachable],
    ['broken', answering(500)],
    ['refusing', answering(404)],
    ['redirecting', answering(301)],
    [
      'breaking our client',
      () => {
        throw new Error('bug');
      },
    ],
  ] as const)('%s', async (_, post) => {
    const succeeding = wire({ routes: everyRoute(post) });
    expect(await succeeding.handle(EVENT)).toMatchObject({ status: 'success' });
    const failing = wire({ routes: everyRoute(post), narrate: () => Promise.reject(new Error('boom')) });
    expect(await failing.handle(EVENT)).toMatchObject({ status: 'error', error_type: 'internal' });
  });

  it.each(['nonsense', 'ftp://a.example', 'http://', '/api/tts/callback', 7])(
    'at the address %j',
    async (callback_url) => {
      const event = { ...EVENT, input: { ...EVENT.input, metadata: { ...metadata, callback_url } } };
      const succeeding = wire();
      expect(await succeeding.handle(event)).toMatchObject({ status: 'success' });
      const failing = wire({ narrate: () => Promise.reject(new Error('boom')) });
      expect(await failing.handle(event)).toMatchObject({ status: 'error', error_type: 'internal' });
      expect([...succeeding.sent, ...failing.sent]).toEqual([]);
    },
  );

  it.each([
    ['refused', answering(422), 'answered 422: answer 422', 1],
    ['lost', unreachable, 'ECONNREFUSED', 2],
  ])('a success callback that was %s is followed by an error callback', async (_, post, details, tries) => {
    const { handle, ends } = wire({ routes: { callback: post } });
    const result = await handle(EVENT);
    expect(result).toMatchObject({ status: 'success' });
    expect(ends().map(({ route }) => route)).toEqual([...Array(tries).fill('callback'), 'error-callback']);
    expect(ends().at(-1)?.json).toMatchObject({
      story_id: 's1',
      job_id: 'j1',
      error: expect.stringMatching(/audio is ready/),
      error_details: details,
      metadata: {
        error_type: 'callback_undeliverable',
        retryable: true,
        audio_url: result.status === 'success' ? result.audio_url : '',
      },
    });
  });

  it('does not hold up the narration with progress that no one answers', async () => {
    const { handle, ends, sent } = wire({ routes: { progress: unanswered } });
    expect(await handle(EVENT)).toMatchObject({ status: 'success' });
    expect(ends().map(({ route }) => route)).toEqual(['callback']);
    expect(sent.map(({ route }) => route)).toEqual(['progress', 'callback']);
  });
});

describe('an aborted job', () => {
  it('rejects, so that another worker gets it, and reports no end', async () => {
    const { handle, controller, ends, kept } = wire({
      narrate: hanging(() => controller.abort(new Error('the worker is stopping'))),
    });
    await expect(handle(EVENT)).rejects.toMatchObject({ code: 'job_cancelled' });
    expect([ends(), kept]).toEqual([[], []]);
  });

  it('rejects also when the narrator ends in some other error', async () => {
    const boom = new Error('a thread went away');
    const { handle, controller, ends } = wire({
      narrate: () => {
        controller.abort();
        return Promise.reject(boom);
      },
    });
    await expect(handle(EVENT)).rejects.toBe(boom);
    expect(ends()).toEqual([]);
  });

  it('is reported as done when it was done before the abort', async () => {
    const { handle, controller, ends } = wire({
      narrate: () => {
        controller.abort();
        return Promise.resolve(narration);
      },
    });
    expect(await handle(EVENT)).toMatchObject({ status: 'success' });
    expect(ends().map(({ route }) => route)).toEqual(['callback']);
  });
});

describe('a job that is no longer needed', () => {
  const isUnwanted: PostAnswer = { ...ok, excerpt: '{"success":true,"wanted":false}' };
  const routes = { progress: () => Promise.resolve(isUnwanted) };

  it('stops when its progress is answered so, and ends as cancelled', async () => {
    let wasStopped = false;
    const narrate: Narrate = (_request, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          wasStopped = true;
          reject(signal.reason as Error);
        });
      });
    const { handle, kept, ends } = wire({ narrate, routes });
    expect(await handle(EVENT)).toMatchObject({ status: 'error', error_type: 'job_cancelled' });
    expect(wasStopped).toBe(true);
    expect(kept).toEqual([]);
    expect(ends()).toMatchObject([
      { route: 'error-callback', json: { job_id: 'j1', metadata: { error_type: 'job_cancelled' } } },
    ]);
  });

  it('is given back, not ended, when the worker stops at the same time', async () => {
    const { handle, controller, ends } = wire({
      narrate: (_request, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            controller.abort(new Error('SIGTERM'));
            reject(new Error('stopped'));
          });
        }),
      routes,
    });
    await expect(handle(EVENT)).rejects.toThrow('stopped');
    expect(ends()).toEqual([]);
  });
});
