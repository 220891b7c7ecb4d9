import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openReceiver, type ReceiverHarness } from './harness.ts';

const run = promisify(execFile);

/** The command of seed 001, "Manual Testing", with our address. */
const curlOfSeed001 = (baseUrl: string): string[] => [
  '-s',
  '-X',
  'POST',
  `${baseUrl}/api/tts/error-callback`,
  '-H',
  'Content-Type: application/json',
  '-d',
  `{
       "story_id": "test_story_123",
       "error": "Voice profile not found",
       "user_id": "test_user_456"
     }`,
];

const payloadOfSeed001 = {
  story_id: 'story123',
  error: 'Voice profile not found',
  error_details: 'The voice profile file was not found in storage',
  user_id: 'user456',
  voice_id: 'voice789',
  job_id: 'job_abc123',
  metadata: { language: 'en', story_type: 'user', text_length: 1500, error_type: 'voice_profile_missing' },
};

describe('the receiver over Firestore, signatures off', () => {
  let receiver: ReceiverHarness;
  let next = 0;
  const newStory = async (fields: Record<string, unknown> = {}): Promise<string> => {
    next += 1;
    const id = `story-${next}`;
    await receiver.firestore.doc(`stories/${id}`).set({ userId: 'u1', title: 'T', text: 'Once.', ...fields });
    return id;
  };
  beforeAll(async () => {
    receiver = await openReceiver();
  });
  afterAll(() => receiver.close());

  it('answers the documented curl with {"success":true} and writes the documented fields', async () => {
    await receiver.firestore
      .doc('stories/test_story_123')
      .set({ userId: 'test_user_456', audioStatus: 'pending' });
    const { stdout } = await run('curl', curlOfSeed001(receiver.baseUrl));
    expect(stdout).toBe('{"success":true}');
    const { updatedAt, ...story } = (await receiver.story('test_story_123')) ?? {};
    expect(story).toEqual({
      userId: 'test_user_456',
      audioStatus: 'failed',
      audioError: 'Voice profile not found',
      audioErrorCode: 'voice_profile_missing',
      audioErrorRetryable: false,
      audioEventSequence: 1,
    });
    expect(updatedAt).toHaveProperty('seconds');
  });

  it('writes every field of the full documented payload', async () => {
    await receiver.firestore.doc('stories/story123').set({ userId: 'user456', audioStatus: 'pending' });
    expect((await receiver.post('error-callback', payloadOfSeed001)).body).toEqual({ success: true });
    expect(await receiver.story('story123')).toMatchObject({
      audioStatus: 'failed',
      audioError: payloadOfSeed001.error,
      audioErrorDetails: payloadOfSeed001.error_details,
      audioJobId: 'job_abc123',
      audioErrorMetadata: payloadOfSeed001.metadata,
    });
    expect((await receiver.attempts('story123'))['job_abc123']).toMatchObject({
      status: 'failed',
      error: { code: 'voice_profile_missing', message: payloadOfSeed001.error },
      transitions: { failed: { source: 'callback' } },
    });
  });

  it.each(['error-callback', 'callback'])('accepts null for every optional field of %s', async (route) => {
    const id = await newStory({ audioStatus: 'pending', language: 'en', voiceId: 'v' });
    const nulls = {
      user_id: null,
      voice_id: null,
      job_id: null,
      metadata: null,
      language: null,
      voice_name: null,
    };
    const body =
      route === 'callback'
        ? {
            story_id: id,
            audio_url: 'https://a.example/x.mp3',
            storage_path: null,
            r2_path: null,
            duration_ms: null,
            ...nulls,
          }
        : { story_id: id, error: 'x', error_details: null, ...nulls };
    expect(await receiver.post(route, body)).toMatchObject({ status: 200, body: { success: true } });
    const story = (await receiver.story(id)) ?? {};
    expect(Object.values(story)).not.toContain(null);
    expect(story).toMatchObject({ language: 'en', voiceId: 'v' });
  });

  it('replaces the error by the audio when a late ready follows a failure, and nothing afterwards', async () => {
    const id = await newStory({ audioStatus: 'processing', audioJobId: 'j1', audioAttempt: 1 });
    await receiver.post('error-callback', { story_id: id, job_id: 'j1', error: 'CUDA out of memory' });
    await receiver.post('callback', {
      story_id: id,
      job_id: 'j1',
      audio_url: 'https://a.example/x.mp3',
      r2_path: 'p/x.mp3',
      duration_ms: 1200,
      metadata: { generation_time: 3 },
    });
    await receiver.post('error-callback', { story_id: id, job_id: 'j1', error: 'too late' });
    const { updatedAt, ...story } = (await receiver.story(id)) ?? {};
    expect(story).toEqual({
      userId: 'u1',
      title: 'T',
      text: 'Once.',
      audioStatus: 'ready',
      audioJobId: 'j1',
      audioAttempt: 1,
      audioUrl: 'https://a.example/x.mp3',
      audioStoragePath: 'p/x.mp3',
      audioDurationMs: 1200,
      audioMetadata: { generation_time: 3 },
      audioEventSequence: 2,
    });
    expect(updatedAt).toBeDefined();
    expect((await receiver.attempts(id))['j1']).not.toHaveProperty('error');
  });

  it('fences a message of another job: recorded on its attempt, nothing on the story', async () => {
    const id = await newStory({ audioStatus: 'processing', audioJobId: 'new', audioAttempt: 2 });
    await receiver.firestore.doc(`stories/${id}/audioAttempts/new`).set({ number: 2, status: 'processing' });
    const before = await receiver.story(id);
    expect(
      (await receiver.post('error-callback', { story_id: id, job_id: 'old', error: 'gone' })).status,
    ).toBe(200);
    expect(await receiver.story(id)).toEqual(before);
    expect((await receiver.attempts(id))['old']).toMatchObject({ status: 'failed' });
  });

  it('keeps metadata that Firestore cannot hold, transformed and marked', async () => {
    const id = await newStory({ audioStatus: 'pending' });
    const metadata = JSON.parse('{"__proto__":{"a":1},"grid":[[1,2],[3]],"":"empty","ok":true}');
    expect((await receiver.post('error-callback', { story_id: id, error: 'x', metadata })).status).toBe(200);
    expect((await receiver.story(id))?.['audioErrorMetadata']).toMatchObject({
      grid: [{ 0: 1, 1: 2 }, { 0: 3 }],
      ok: true,
      _altered: expect.arrayContaining(['nested-array', 'reserved-name']),
    });
  });

  it('cuts metadata that would push the story over 1 MiB, and answers 422 when not even the status fits', async () => {
    const tight = await newStory({ audioStatus: 'pending', filler: 'x'.repeat(1_000_000) });
    const metadata = Object.fromEntries(
      Array.from({ length: 15 }, (_, index) => [`k${index}`, 'm'.repeat(12_000)]),
    );
    expect((await receiver.post('error-callback', { story_id: tight, error: 'x', metadata })).status).toBe(
      200,
    );
    expect((await receiver.story(tight))?.['audioErrorMetadata']).toMatchObject({ _altered: ['too-large'] });
    const full = await newStory({ audioStatus: 'pending', filler: 'x'.repeat(1_047_000) });
    const refused = await receiver.post('error-callback', { story_id: full, error: 'e'.repeat(20_000) });
    expect(refused).toMatchObject({
      status: 422,
      body: { success: false, error: expect.stringContaining('size') },
    });
  });

  it('moves to processing with progress, renews the lease, and never goes backwards', async () => {
    const id = await newStory({ audioStatus: 'pending', audioJobId: 'j', audioAttempt: 1 });
    await receiver.post('progress', { story_id: id, job_id: 'j', stage: 'synthesizing', progress: 0.6 });
    await receiver.post('progress', { story_id: id, job_id: 'j', stage: 'checking', progress: 0.1 });
    const story = (await receiver.story(id)) ?? {};
    expect(story).toMatchObject({ audioStatus: 'processing', audioProgress: 0.6 });
    expect((story['audioLeaseExpiresAt'] as { toMillis(): number }).toMillis()).toBeGreaterThan(
      Date.now() + 100_000,
    );
    expect((await receiver.attempts(id))['j']).toMatchObject({ status: 'processing', stage: 'synthesizing' });
  });

  it('says to a worker whose audio would not count that its job is not wanted', async () => {
    const unwanted = { success: true, wanted: false };
    const cases = [
      [{ audioStatus: 'pending', audioJobId: 'newer' }, unwanted],
      [{ audioStatus: 'pending', audioJobId: 'foreign' }, { success: true }],
      [{ audioStatus: 'ready', audioJobId: 'j' }, unwanted],
      [{ audioStatus: 'pending', audioJobId: 'j' }, { success: true }],
      // A late narration is better than the failure that was told in its place.
      [{ audioStatus: 'failed', audioJobId: 'j' }, { success: true }],
    ] as const;
    for (const [fields, body] of cases) {
      const storyId = await newStory(fields);
      await receiver.firestore
        .doc(`stories/${storyId}/audioAttempts/newer`)
        .set({ number: 2, status: 'pending' });
      const progress = { story_id: storyId, job_id: 'j', stage: 'x', progress: 0.1 };
      const answer = await receiver.post('progress', progress);
      expect([answer.status, answer.body]).toEqual([200, body]);
    }
  });

  it('applies twenty concurrent duplicates as one change', async () => {
    const id = await newStory({ audioStatus: 'processing', audioJobId: 'j', audioAttempt: 1 });
    const body = { story_id: id, job_id: 'j', audio_url: 'https://a.example/x.mp3' };
    const answers = await Promise.all(Array.from({ length: 20 }, () => receiver.post('callback', body)));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    const decided = receiver.logged.filter(({ fields }) => (fields as { storyId?: string }).storyId === id);
    expect(
      decided.filter(({ fields }) => (fields as { decision?: string }).decision === 'applied'),
    ).toHaveLength(1);
  });

  describe('refuses with a status of its own and a sentence that names the field', () => {
    it.each([
      [
        'an unknown story',
        'callback',
        { story_id: 'nobody', audio_url: 'https://a.example' },
        404,
        /story_id/,
      ],
      ['an empty body', 'callback', '', 400, /body/],
      ['broken JSON', 'callback', '{"story_id": ', 400, /body.*JSON/],
      ['invalid UTF-8', 'callback', new Uint8Array([0x7b, 0xff, 0x7d]), 400, /UTF-8/],
      ['an array', 'callback', [], 422, /body.*object/],
      ['no story id', 'callback', { audio_url: 'https://a.example' }, 422, /story_id/],
      [
        'a story id with a slash',
        'callback',
        { story_id: 'a/b', audio_url: 'https://a.example' },
        422,
        /story_id/,
      ],
      ['no audio', 'callback', { story_id: 's' }, 422, /audio_url.*storage_path.*r2_path/],
      ['a wrong optional type', 'callback', { story_id: 's', r2_path: 'p', voice_id: 7 }, 422, /voice_id/],
      ['metadata that is a list', 'callback', { story_id: 's', r2_path: 'p', metadata: [] }, 422, /metadata/],
      ['an error that is no text', 'error-callback', { story_id: 's', error: 7 }, 422, /error/],
      ['no error', 'error-callback', { story_id: 's' }, 422, /error.*required/],
      [
        'progress beyond 1',
        'progress',
        { story_id: 's', job_id: 'j', stage: 'x', progress: 1.1 },
        422,
        /progress/,
      ],
      ['progress without a job', 'progress', { story_id: 's', stage: 'x', progress: 0.1 }, 422, /job_id/],
      ['an unknown path', 'nothing', {}, 404, /path/],
      ['a body over the limit', 'callback', { story_id: 's', r2_path: 'x'.repeat(262_145) }, 413, /262144/],
    ] as const)('%s', async (_, route, body, status, sentence) => {
      const answer = await receiver.post(route, body);
      expect(answer.status).toBe(status);
      expect(answer.body).toEqual({ success: false, error: expect.stringMatching(sentence) });
    });

    it('a wrong method, with Allow', async () => {
      const answer = await fetch(`${receiver.baseUrl}/api/tts/callback`);
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
    });

    it('a wrong content type', async () => {
      expect((await receiver.post('callback', '{}', { 'content-type': 'text/plain' })).status).toBe(415);
    });

    it('a body without a declared length that grows too large', async () => {
      const body = new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(65_536).fill(32)),
      });
      const answer = await fetch(`${receiver.baseUrl}/api/tts/callback`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
        duplex: 'half',
      });
      expect(answer.status).toBe(413);
    });
  });

  it('tells its health', async () => {
    const answer = await fetch(`${receiver.baseUrl}/api/tts/health`);
    expect([answer.status, await answer.json()]).toEqual([200, { success: true, status: 'ok' }]);
  });
});

describe('the receiver while Firestore is away', () => {
  it('answers 503 with Retry-After, so that the sender tries again', async () => {
    const receiver = await openReceiver({
      stories: {
        apply: async () => ({ kind: 'store-away', cause: 'UNAVAILABLE' }),
        ping: async () => false,
      },
    });
    const answer = await receiver.post('callback', { story_id: 's', r2_path: 'p' });
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
    expect((await fetch(`${receiver.baseUrl}/api/tts/health`)).status).toBe(503);
    await receiver.close();
  });
});
