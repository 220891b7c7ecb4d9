import { randomUUID } from 'node:crypto';
import { DEFAULT_STORY_LIMITS, type TtsJobEvent, voiceDocumentId } from '@taleback/core';
import { signStandard } from '@taleback/core/signatures';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHeartbeatStore } from '../src/heartbeat/heartbeat-store.node.ts';
import { requestAudio, type RequestOptions, retryAutomatically } from '../src/request/request-audio.ts';
import { createFirestoreStories } from '../src/stories/firestore-stories.node.ts';
import { openReceiver, type ReceiverHarness } from './harness.ts';

const KEY = Buffer.alloc(24, 1);
const SHARED = 'listed';
const NOT_ALLOWED = { kind: 'unfit', code: 'voice_not_allowed', field: 'voiceId' };

let receiver: ReceiverHarness;
let options: RequestOptions;
const jobs: TtsJobEvent[] = [];

beforeAll(async () => {
  receiver = await openReceiver({ generateSecrets: { standard: [KEY], hmac: [] } });
  const { firestore } = receiver;
  const listed = { defaultVoice: 'slt', sharedVoices: [SHARED] };
  options = {
    ...listed,
    stories: createFirestoreStories(firestore, { timeoutMs: 60_000 }),
    queue: { publish: async (job) => void jobs.push(job) },
    limits: DEFAULT_STORY_LIMITS,
    callbackUrl: 'https://tales.example/api/tts/callback',
    pendingLeaseMs: 900_000,
    log: () => {},
    now: Date.now,
    newId: randomUUID,
  };
  const { keep } = createHeartbeatStore(firestore, { timeoutMs: 60_000, ...listed });
  receiver.serve({ generate: options, heartbeat: { keep, log: () => {}, now: Date.now } });
});
afterAll(() => receiver.close());

/** Voices by id; `undefined` from a worker that does not report whether they are private. */
type Voices = Readonly<Record<string, boolean | undefined>>;

const report = async (engine: string, voices: Voices, more: object = {}): Promise<void> => {
  const reported = Object.entries(voices).map(([id, isPrivate]) => ({
    id,
    name: `${id} by name`,
    is_private: isPrivate,
  }));
  const engines = [{ name: engine, state: 'ready', languages: ['en'], voices: reported, ...more }];
  const answer = await receiver.post('heartbeat', { worker_id: `w-${engine}`, engines });
  expect(answer.status).toBe(200);
};

/** What an operator's `taleback voices` writes. */
const decide = (engine: string, voiceId: string, access: unknown) =>
  receiver.firestore
    .doc(`ttsVoices/${voiceDocumentId({ engine, voiceId })}`)
    .set({ engine, voiceId, access, isDecided: true }, { merge: true });

const accessOf = async (engine: string, voiceId: string): Promise<unknown> =>
  (await receiver.firestore.doc(`ttsVoices/${voiceDocumentId({ engine, voiceId })}`).get()).get('access');

const menuText = async (): Promise<string> =>
  JSON.stringify((await receiver.firestore.doc('ttsVoices/menu').get()).data() ?? {});

const newStory = async (fields: Record<string, unknown> = {}): Promise<string> => {
  const id = randomUUID();
  const story = { userId: 'ada', title: 'The Tide', text: 'Once upon a time.', language: 'en' };
  await receiver.firestore.doc(`stories/${id}`).set({ ...story, ...fields });
  return id;
};

const ask = async (voiceId: string, userId = 'ada') =>
  requestAudio('request', userId, { storyId: await newStory({ userId }), voiceId }, options);

const generate = async (voiceId: string, more: Record<string, unknown> = {}) => {
  const id = { story_id: randomUUID(), user_id: 'ada' };
  const body = JSON.stringify({ ...id, voice_id: voiceId, text: 'Once.', ...more });
  const message = { id: id.story_id, timestampSeconds: Date.now() / 1000, body: Buffer.from(body) };
  const answer = await receiver.post('generate', body, signStandard(message, [KEY]));
  return { ...answer, storyId: id.story_id };
};

const fail = (storyId: string) => receiver.post('error-callback', { story_id: storyId, error: 'It broke.' });

const retry = (storyId: string, userId = 'ada') => requestAudio('retry', userId, { storyId }, options);

describe('a cloned voice', () => {
  beforeAll(() => report('elevenlabs', { stock1: false, clone77: true }));

  it('is neither named to readers nor spoken for a stranger, whatever the story says', async () => {
    expect(await menuText()).toContain('stock1 by name');
    expect(await menuText()).not.toContain('clone77');
    expect(await ask('stock1')).toMatchObject({ kind: 'opened' });
    jobs.length = 0;
    const refused = await ask('clone77');
    expect(refused).toMatchObject(NOT_ALLOWED);
    expect(await ask('guessed')).toEqual(refused);
    const own = await newStory({ voiceId: 'clone77' });
    for (const kind of ['request', 'retry'] as const)
      expect(await requestAudio(kind, 'ada', { storyId: own }, options)).toEqual(refused);
    expect(await receiver.attempts(own)).toEqual({});
    expect(jobs).toEqual([]);
  });

  it('is not retried automatically', async () => {
    const failed = { audioStatus: 'failed', audioRetryAt: new Date(0), audioAttempt: 1 };
    const storyId = await newStory({ voiceId: 'clone77', ...failed });
    expect(await retryAutomatically(storyId, options)).toMatchObject(NOT_ALLOWED);
    expect(jobs).toEqual([]);
  });

  it('is refused to another server, by the name of the field, recording or not', async () => {
    for (const more of [{}, { profile_path: 'private/users/ada/voices/a.wav' }]) {
      const answer = await generate('clone77', more);
      expect(answer).toMatchObject({ status: 422, body: { error: expect.stringMatching(/^voice_id: /) } });
      expect(await receiver.story(answer.storyId)).toBeUndefined();
    }
  });

  it('serves its owner once an operator assigns it, and no one else', async () => {
    await decide('elevenlabs', 'clone77', { owner: 'ada' });
    expect(await ask('clone77')).toMatchObject({ kind: 'opened' });
    expect(await ask('clone77', 'eve')).toMatchObject(NOT_ALLOWED);
    expect((await generate('clone77')).status).toBe(200);
    expect((await generate('clone77', { user_id: 'eve' })).status).toBe(422);
    await report('elevenlabs', { clone77: false });
    expect(await accessOf('elevenlabs', 'clone77')).toEqual({ owner: 'ada' });
    expect(await menuText()).not.toContain('clone77');
  });

  it('is for all once an operator shares it, and closed again whatever workers report', async () => {
    await decide('elevenlabs', 'clone77', 'shared');
    await report('elevenlabs', { clone77: true });
    expect(await menuText()).toContain('clone77 by name');
    expect(await menuText()).not.toContain('isPrivate');
    expect(await ask('clone77', 'eve')).toMatchObject({ kind: 'opened' });
    await decide('elevenlabs', 'clone77', 'closed');
    await report('elevenlabs', { clone77: false });
    expect(await menuText()).not.toContain('clone77');
    expect(await ask('clone77')).toMatchObject(NOT_ALLOWED);
  });
});

describe('a voice', () => {
  it('that configuration lists is for all, until an operator closes it', async () => {
    expect(await ask(SHARED)).toMatchObject({ kind: 'opened' });
    await report('elevenlabs', { [SHARED]: true });
    expect(await menuText()).toContain('listed by name');
    expect(await ask(SHARED)).toMatchObject({ kind: 'opened' });
    await decide('elevenlabs', SHARED, 'closed');
    expect(await ask(SHARED)).toMatchObject(NOT_ALLOWED);
  });

  it('that several engines have is as closed as the most closed', async () => {
    await report('kokoro', { twin: false });
    expect(await ask('twin')).toMatchObject({ kind: 'opened' });
    await report('elevenlabs', { twin: true });
    expect(await ask('twin')).toMatchObject(NOT_ALLOWED);
    expect(await menuText()).not.toContain('twin');
  });

  it.each<[string, string, object, boolean]>([
    ['of an engine without private voices', 'flite', {}, true],
    ['of ElevenLabs', 'elevenlabs', {}, false],
    ['of an engine that clones', 'chatterbox', { clones_voices: true }, false],
  ])('of an older worker, %s', async (_, engine, more, isOpen) => {
    const voiceId = `old-${engine}`;
    await report(engine, { [voiceId]: undefined }, more);
    expect((await ask(voiceId)).kind).toBe(isOpen ? 'opened' : 'unfit');
    expect((await menuText()).includes(voiceId)).toBe(isOpen);
    await report(engine, { [voiceId]: false }, more);
    expect(await ask(voiceId)).toMatchObject({ kind: 'opened' });
    await report(engine, { [voiceId]: true }, more);
    await report(engine, { [voiceId]: false }, more);
    expect(await ask(voiceId)).toMatchObject(NOT_ALLOWED);
  });

  it('may have any id', async () => {
    const odd = ['menu', 'a/b', '__x__', '..', '\0', 'ä'.repeat(200)];
    await report('kokoro', Object.fromEntries(odd.map((id) => [id, false])));
    for (const id of odd) expect(await ask(id)).toMatchObject({ kind: 'opened' });
    expect(await ask('\ud800')).toMatchObject({ kind: 'invalid' });
  });

  it('of a menu from before there was a register is left out', async () => {
    const menu = receiver.firestore.doc('ttsVoices/menu');
    const engine = { name: 'sleeping', state: 'ready', voices: [{ id: 'leak', name: 'Leak' }] };
    await menu.set({ engines: [{ ...engine, expiresAt: new Date(Date.now() + 60_000) }] });
    await report('kokoro', { another: false });
    expect(await menuText()).not.toContain('Leak');
  });
});

describe('a voice that only its server knows', () => {
  it('passes, and so do the retries of its story, until it is closed', async () => {
    const { status, storyId } = await generate('custom');
    expect(status).toBe(200);
    expect(Object.values(await receiver.attempts(storyId))).toMatchObject([{ voiceChosenFor: 'ada' }]);
    for (const attempt of [2, 3]) {
      await fail(storyId);
      expect(await retry(storyId)).toMatchObject({ kind: 'opened', attempt });
    }
    await fail(storyId);
    await receiver.firestore.doc(`stories/${storyId}`).update({ audioRetryAt: new Date(0) });
    expect(await retryAutomatically(storyId, options)).toMatchObject({ kind: 'opened', attempt: 4 });
    await fail(storyId);
    await decide('', 'custom', 'closed');
    expect(await retry(storyId)).toMatchObject(NOT_ALLOWED);
  });

  it('is retried for a story that another server narrated, unless it is closed', async () => {
    const storyId = await newStory({ voiceId: 'theirs' });
    expect(await retry(storyId)).toMatchObject(NOT_ALLOWED);
    await receiver.post('error-callback', { story_id: storyId, job_id: 'py-1', error: 'It broke.' });
    expect(await retry(storyId)).toMatchObject({ kind: 'opened' });
    await fail(storyId);
    expect(await retry(storyId)).toMatchObject({ kind: 'opened' });
    await fail(storyId);
    await decide('', 'theirs', 'closed');
    expect(await retry(storyId)).toMatchObject(NOT_ALLOWED);
  });

  it('is not for another story, nor for the next owner of its story', async () => {
    const { storyId } = await generate('bespoke');
    await fail(storyId);
    expect(await ask('bespoke')).toMatchObject(NOT_ALLOWED);
    await receiver.firestore.doc(`stories/${storyId}`).update({ userId: 'bob' });
    expect(await retry(storyId, 'bob')).toMatchObject(NOT_ALLOWED);
  });

  it('is not kept for a story that went on with another', async () => {
    const { storyId } = await generate('bespoke');
    await fail(storyId);
    const other = await requestAudio('retry', 'ada', { storyId, voiceId: 'slt' }, options);
    expect(other).toMatchObject({ kind: 'opened' });
    await fail(storyId);
    expect(await requestAudio('retry', 'ada', { storyId, voiceId: 'bespoke' }, options)).toMatchObject(
      NOT_ALLOWED,
    );
  });

  it('with a recording speaks for the user of the recording only, wherever it lies', async () => {
    const { storyId } = await generate('slt', { profile_path: 'voices/ada.wav' });
    await fail(storyId);
    expect(await retry(storyId)).toMatchObject({ kind: 'opened' });
    await fail(storyId);
    await receiver.firestore.doc(`stories/${storyId}`).update({ userId: 'bob' });
    expect(await retry(storyId, 'bob')).toMatchObject(NOT_ALLOWED);
  });
});
