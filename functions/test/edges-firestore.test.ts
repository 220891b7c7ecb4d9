import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openReceiver, type ReceiverHarness } from './harness.ts';

let receiver: ReceiverHarness;
let next = 0;

beforeAll(async () => {
  receiver = await openReceiver();
});
afterAll(() => receiver.close());

const plant = async (fields: Record<string, unknown> = {}): Promise<string> => {
  next += 1;
  const id = `story-${next}`;
  await receiver.firestore.doc(`stories/${id}`).set({ userId: 'ann', text: 'Once.', ...fields });
  return id;
};

const plantAttempt = (id: string, jobId: string, fields: Record<string, unknown>): Promise<unknown> =>
  receiver.firestore.doc(`stories/${id}/audioAttempts/${jobId}`).set({ jobId, number: 1, ...fields });

const ready = (id: string, more: Record<string, unknown> = {}) =>
  receiver.post('callback', { story_id: id, audio_url: 'https://a.example/x.mp3', ...more });
const failed = (id: string, more: Record<string, unknown> = {}) =>
  receiver.post('error-callback', { story_id: id, error: 'CUDA out of memory', ...more });

describe('a story near a megabyte', () => {
  it.each([
    ['an error', 'error-callback', { error: 'x', metadata: { a: 'm'.repeat(9_000), b: 1 } }, 'failed'],
    [
      'a ready',
      'callback',
      { audio_url: 'https://a.example/x', metadata: { a: 'm'.repeat(9_000), b: 1 } },
      'ready',
    ],
  ])('takes the status of %s and what fits of its metadata', async (_, route, body, status) => {
    const id = await plant({ audioStatus: 'pending', filler: 'x'.repeat(1_035_000) });
    expect((await receiver.post(route, { story_id: id, ...body })).status).toBe(200);
    const story = await receiver.story(id);
    expect(story).toMatchObject({ audioStatus: status });
    expect(story?.[status === 'ready' ? 'audioMetadata' : 'audioErrorMetadata']).toMatchObject({
      b: 1,
      _altered: ['too-large'],
    });
  });

  it.each([
    [
      'details',
      1_038_000,
      { error: 'x', error_details: 'd'.repeat(4_000), metadata: { a: 'm'.repeat(100_000) } },
    ],
    ['words', 900_000, { error: 'e'.repeat(200_000) }],
  ])('fails with what fits of the %s', async (_what, length, body) => {
    const id = await plant({ audioStatus: 'pending', filler: 'x'.repeat(length) });
    expect((await receiver.post('error-callback', { story_id: id, ...body })).status).toBe(200);
    expect(await receiver.story(id)).toMatchObject({
      audioStatus: 'failed',
      audioError: expect.stringMatching(/^(?:x|e{200,199000})$/),
    });
  });

  it('with room for nothing is left alone, with 422 rather than a fault', async () => {
    const id = await plant({ audioStatus: 'pending', audioJobId: 'j', filler: 'x'.repeat(1_048_400) });
    const before = await receiver.story(id);
    for (const answer of [await ready(id), await failed(id)]) {
      expect(answer).toMatchObject({ status: 422, body: { error: expect.stringMatching(/size limit/) } });
    }
    const progress = { story_id: id, job_id: 'j', stage: 'storing', progress: 0.5 };
    expect((await receiver.post('progress', progress)).status).toBe(422);
    expect(await receiver.story(id)).toEqual(before);
    expect(await receiver.attempts(id)).toEqual({});
  });
});

const nest = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

describe('metadata that Firestore cannot hold', () => {
  it.each([
    ['nested a hundred deep', nest(100)],
    ['nested forty thousand deep', nest(40_000)],
    ['arrays in arrays', '{"a":[[[[1]]]]}'],
    [
      'names of the prototype',
      '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
    ],
    ['names that are reserved', '{"__name__":1,"__x__":{"__y__":2},"":3,"_altered":4}'],
    ['names that are paths', '{"a.b":1,"a/b":2,"`c`":3,"[0]":4,"*":5,"~":6}'],
    ['names of any length', `{"${'n'.repeat(5_000)}":1}`],
    ['halves of letters', '{"\\ud800":"\\udfff"}'],
    ['NUL', '{"a\\u0000b":"\\u0000"}'],
    ['numbers beyond numbers', '{"a":1e999,"b":-1e999,"c":-0,"d":1e-999,"e":9007199254740993}'],
    ['a long text', `{"a":"${'x'.repeat(200_000)}"}`],
    ['many fields', `{${Array.from({ length: 9_000 }, (_, index) => `"k${index}":${index}`).join(',')}}`],
    ['names that come twice', '{"a":1,"a":{"b":2},"a":[3]}'],
  ])('%s', async (_, metadata) => {
    const id = await plant({ audioStatus: 'pending' });
    const body = `{"story_id":"${id}","error":"x","metadata":${metadata}}`;
    expect(await receiver.post('error-callback', body)).toMatchObject({ status: 200 });
    expect(await receiver.story(id)).toMatchObject({ userId: 'ann', audioStatus: 'failed' });
    expect({}).not.toHaveProperty('polluted');
  });
});

describe('a story that was deleted', () => {
  it('is answered 404, and neither it nor its attempt comes back', async () => {
    const id = await plant({ audioStatus: 'processing', audioJobId: 'j', audioAttempt: 1 });
    await plantAttempt(id, 'j', { status: 'processing' });
    await receiver.firestore.doc(`stories/${id}`).delete();
    const left = await receiver.attempts(id);
    const progress = { story_id: id, job_id: 'j', stage: 'storing', progress: 0.9 };
    const answers = [
      await ready(id, { job_id: 'j' }),
      await ready(id),
      await failed(id, { job_id: 'other' }),
      await receiver.post('progress', progress),
    ];
    for (const answer of answers) {
      expect(answer).toMatchObject({
        status: 404,
        body: { success: false, error: expect.stringMatching(/^story_id: /) },
      });
    }
    expect(await receiver.story(id)).toBeUndefined();
    expect(await receiver.attempts(id)).toEqual(left);
  });
});

describe('a message that names a user', () => {
  it.each([
    ['the owner', { user_id: 'ann' }],
    ['nobody', { user_id: null }],
    ['the empty user', { user_id: '' }],
  ])('counts when it is %s', async (_, more) => {
    const id = await plant({ audioStatus: 'pending' });
    expect((await ready(id, more)).status).toBe(200);
    expect(await receiver.story(id)).toMatchObject({ audioStatus: 'ready', userId: 'ann' });
  });

  it.each([{}, { job_id: 'j' }])('counts and is logged when it is another one: %o', async (more) => {
    const id = await plant({ audioStatus: 'pending', audioJobId: 'j', audioAttempt: 1 });
    await plantAttempt(id, 'j', { requestedBy: 'ann', status: 'pending', number: 1 });
    expect((await failed(id, { user_id: 'eve', ...more })).status).toBe(200);
    expect(await receiver.story(id)).toMatchObject({ audioStatus: 'failed', userId: 'ann' });
    expect((await ready(id, { user_id: 'eve', ...more })).status).toBe(200);
    expect(await receiver.story(id)).toMatchObject({ audioStatus: 'ready', userId: 'ann' });
    const ofStory = receiver.logged.filter(({ fields }) => (fields as { storyId?: string }).storyId === id);
    const warning = { severity: 'warn', fields: { otherUser: 'eve' } };
    expect(ofStory).toMatchObject([warning, warning]);
  });

  it.each([
    ['its job named', { job_id: 'j' }],
    ['its job named as RunPod does', { job_id: 'rp' }],
    ['no job named', {}],
  ])('still counts when the story was given away after that user had asked, %s', async (_, more) => {
    const id = await plant({
      userId: 'bob',
      audioStatus: 'processing',
      audioJobId: 'j',
      audioRunpodJobId: 'rp',
      audioAttempt: 1,
    });
    await plantAttempt(id, 'j', { requestedBy: 'ann', status: 'processing' });
    const folder = 'private/users/ann/stories/audio/en/s/j.mp3';
    expect((await ready(id, { user_id: 'ann', storage_path: folder, ...more })).status).toBe(200);
    expect(await receiver.story(id)).toMatchObject({ userId: 'bob', audioStatus: 'ready' });
  });

  it('counts for a story that has no owner', async () => {
    const id = await plant({ userId: null, audioStatus: 'pending' });
    expect((await ready(id, { user_id: 'eve' })).status).toBe(200);
  });
});

describe('audio in the private folder of another user', () => {
  it.each([
    ['storage_path', { storage_path: 'private/users/eve/stories/audio/en/s/j.mp3' }],
    ['storage_path', { r2_path: 'private/users/eve/stories/audio/en/s/j.mp3' }],
    ['storage_path', { audio_url: 'private/users/eve/x.mp3' }],
    ['storage_path', { storage_path: 'private/users/ann/../eve/x.mp3' }],
    ['audio_url', { audio_url: 'https://cdn.example/private/users/eve/x.mp3' }],
  ])('is refused, naming %s: %o', async (field, more) => {
    const id = await plant({ audioStatus: 'pending', audioJobId: 'j' });
    const before = await receiver.story(id);
    const answer = await ready(id, { job_id: 'j', ...more });
    expect(answer).toMatchObject({ status: 422, body: { error: expect.stringMatching(`^${field}: `) } });
    expect(await receiver.story(id)).toEqual(before);
    expect(await receiver.attempts(id)).toEqual({});
  });

  it.each([
    'private/users/ann/stories/audio/en/s/j.mp3',
    '/private/users/ann/stories/audio/x.mp3',
    'private/users/unknown/stories/audio/en/s/j.mp3',
    'audio/tale.mp3',
  ])('%s is not', async (path) => {
    const id = await plant({ audioStatus: 'pending' });
    expect((await ready(id, { storage_path: path })).status).toBe(200);
    expect(await receiver.story(id)).toMatchObject({ audioStoragePath: path });
  });
});

describe('ids that name no document', () => {
  const NAMES = [
    '',
    '.',
    '..',
    'a/b',
    '/',
    '__name__',
    '__x__',
    'x'.repeat(1_501),
    'é'.repeat(751),
    '\u0000',
  ];

  it.each([...NAMES, '\ud800'])('story_id %j', async (id) => {
    const answer = await ready(id);
    expect(answer).toMatchObject({ status: 422, body: { error: expect.stringMatching(/^story_id: /) } });
  });

  it.each(NAMES.filter((name) => name !== ''))('job_id %j', async (jobId) => {
    const id = await plant({ audioStatus: 'pending' });
    const answer = await ready(id, { job_id: jobId });
    expect(answer).toMatchObject({ status: 422, body: { error: expect.stringMatching(/^job_id: /) } });
    expect(await receiver.attempts(id)).toEqual({});
  });

  it.each(['__proto__x', 'constructor', '__x', 'a b', 'a.b', '*', '~', '[', 'é', 'x'.repeat(1_400)])(
    '%s is one that does',
    async (id) => {
      await receiver.firestore.doc(`stories/${id}`).set({ userId: 'ann', audioStatus: 'pending' });
      expect((await ready(id, { job_id: id })).status).toBe(200);
      expect(Object.keys(await receiver.attempts(id))).toEqual([id]);
    },
  );

  it('in a story that an older writer left: the message counts, without a history', async () => {
    const id = await plant({ audioStatus: 'processing', audioJobId: 'rp/1' });
    expect((await ready(id)).status).toBe(200);
    expect(await receiver.story(id)).toMatchObject({ audioStatus: 'ready' });
    expect(await receiver.attempts(id)).toEqual({});
  });
});
