import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describeError, isRecord, present } from '@taleback/core';
import { signHmac, signJobToken } from '@taleback/core/signatures';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFirestoreStories } from '../src/stories/firestore-stories.node.ts';
import { openReceiver, type ReceiverHarness } from './harness.ts';

const SECRET = 'geteiltes-Geheimnis-ü';
const PREFIX = 'my-app';

interface SentMessage {
  readonly route: string;
  readonly payload: Record<string, unknown>;
  /** How far the sender's clock is off, in milliseconds. */
  readonly skew_ms?: number;
}

let receiver: ReceiverHarness;
let next = 0;

beforeAll(async () => {
  receiver = await openReceiver({
    signatures: 'required',
    secrets: { standard: [], hmac: [SECRET] },
    hmacHeaderPrefix: PREFIX,
  });
});
afterAll(() => receiver.close());

const plant = async (fields: Record<string, unknown> = {}): Promise<string> => {
  next += 1;
  const id = `story-${next}`;
  await receiver.firestore.doc(`stories/${id}`).set({ userId: 'u1', text: 'Once.', ...fields });
  return id;
};

/** Lets Python send the messages, one after the other. */
const sendByPython = async (
  messages: readonly SentMessage[],
  secret: string | null = SECRET,
): Promise<{ status: number; body: unknown }[]> => {
  const script = fileURLToPath(new URL('edges_python_sender.py', import.meta.url));
  const python = spawn('python3', [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  python.stdin.end(JSON.stringify({ base_url: receiver.baseUrl, secret, prefix: PREFIX, messages }));
  const [output, [code]] = await Promise.all([text(python.stdout), once(python, 'close')]);
  expect(code).toBe(0);
  return JSON.parse(output) as { status: number; body: unknown }[];
};

/** What a handler posts when it failed: every field there, and null what it does not have. */
const errorPayload = (storyId: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  story_id: storyId,
  error: 'CUDA out of memory. Tried to allocate 2.00 GiB',
  error_details: null,
  user_id: 'u1',
  voice_id: null,
  job_id: 'rp-1-u1',
  metadata: {},
  ...more,
});

/** What a handler posts when it succeeded: no job id, and the metadata it was given, with its own beside it. */
const successPayload = (storyId: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  story_id: storyId,
  user_id: 'u1',
  voice_id: 'ann',
  voice_name: null,
  audio_url: 'https://r2.example/private/users/u1/stories/audio/en/ann/x.mp3?sig=1',
  storage_path: 'private/users/u1/stories/audio/en/ann/x.mp3',
  r2_path: null,
  language: 'en',
  metadata: {
    user_id: 'u1',
    story_id: storyId,
    callback_url: 'https://tales.example/api/tts/callback',
    storage_path: null,
    pause_scale: 1.15,
    generation_time: 12.345678901234567,
  },
  ...more,
});

const OK = { status: 200, body: { success: true } };

describe('Python handlers in the field', () => {
  it('report a failure, all nulls and an empty metadata', async () => {
    const id = await plant({ audioStatus: 'processing' });
    expect(await sendByPython([{ route: 'error-callback', payload: errorPayload(id) }])).toEqual([OK]);
    const { updatedAt, ...story } = (await receiver.story(id)) ?? {};
    expect(story).toEqual({
      userId: 'u1',
      text: 'Once.',
      audioStatus: 'failed',
      audioJobId: 'rp-1-u1',
      audioError: 'CUDA out of memory. Tried to allocate 2.00 GiB',
      audioErrorCode: 'gpu_out_of_memory',
      audioErrorRetryable: true,
      audioEventSequence: 1,
    });
    expect(updatedAt).toBeDefined();
  });

  it('report a failure with the details they know', async () => {
    const id = await plant({ audioStatus: 'processing' });
    const metadata = {
      error_type: 'text_validation_error',
      language: 'en',
      story_type: 'user',
      story_name: 'Die Flut – „Anfang“ 🌊',
      text_length: 1500,
      generation_time: 0.0,
      disallowed_chars: ['\u0000', '\u200b'],
    };
    const payload = errorPayload(id, { metadata, error_details: 'Traceback (most recent call last): …' });
    expect(await sendByPython([{ route: 'error-callback', payload }])).toEqual([OK]);
    expect(await receiver.story(id)).toMatchObject({
      audioErrorMetadata: metadata,
      audioErrorDetails: 'Traceback (most recent call last): …',
    });
  });

  it('report a success without a job id, and it is that of the current one', async () => {
    const id = await plant({ audioStatus: 'processing', audioJobId: 'j', audioAttempt: 1 });
    expect(await sendByPython([{ route: 'callback', payload: successPayload(id) }])).toEqual([OK]);
    expect(await receiver.story(id)).toMatchObject({
      audioStatus: 'ready',
      audioJobId: 'j',
      audioUrl: expect.stringContaining('https://r2.example/'),
      audioStoragePath: 'private/users/u1/stories/audio/en/ann/x.mp3',
      voiceId: 'ann',
      audioMetadata: { generation_time: 12.345678901234567, pause_scale: 1.15 },
    });
    expect(await receiver.story(id)).not.toHaveProperty('voiceName');
    expect(await receiver.attempts(id)).toMatchObject({ j: { status: 'ready' } });
  });

  it('put a bare path into audio_url', async () => {
    const id = await plant({ audioStatus: 'processing' });
    const path = 'private/users/u1/stories/audio/en/ann/y.mp3';
    const payload = successPayload(id, { audio_url: path, storage_path: null });
    expect(await sendByPython([{ route: 'callback', payload }])).toEqual([OK]);
    const story = await receiver.story(id);
    expect(story).toMatchObject({ audioStatus: 'ready', audioStoragePath: path });
    expect(story).not.toHaveProperty('audioUrl');
  });

  it('send an error after a success that they think was lost; the audio stays', async () => {
    const id = await plant({ audioStatus: 'processing', audioJobId: 'rp-1-u1' });
    const answers = await sendByPython([
      { route: 'callback', payload: successPayload(id) },
      {
        route: 'error-callback',
        payload: errorPayload(id, { metadata: { error_type: 'callback_failed' } }),
      },
    ]);
    expect(answers).toEqual([OK, OK]);
    expect(await receiver.story(id)).toMatchObject({ audioStatus: 'ready' });
  });

  it('send the same thing four times', async () => {
    const id = await plant({ audioStatus: 'processing' });
    const message = { route: 'callback', payload: successPayload(id) };
    expect(await sendByPython([message, message, message, message])).toEqual([OK, OK, OK, OK]);
    const decisions = receiver.logged.flatMap(({ fields }) => {
      const { storyId, decision } = fields as { storyId?: string; decision?: string };
      return storyId === id && decision !== undefined ? [decision] : [];
    });
    expect(decisions.filter((decision) => decision === 'applied')).toHaveLength(1);
  });

  it('speak of the story "unknown"', async () => {
    const [answer] = await sendByPython([{ route: 'error-callback', payload: errorPayload('unknown') }]);
    expect(answer).toEqual({
      status: 404,
      body: { success: false, error: 'story_id: there is no story "unknown"' },
    });
  });

  it('have clocks of their own', async () => {
    const id = await plant({ audioStatus: 'processing' });
    const message = { route: 'callback', payload: successPayload(id) };
    const answers = await sendByPython([
      { ...message, skew_ms: -310_000 },
      { ...message, skew_ms: 310_000 },
      { ...message, skew_ms: -290_000 },
    ]);
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 200]);
  });

  it('are refused without the secret, or with another', async () => {
    const id = await plant({ audioStatus: 'processing' });
    const message = { route: 'callback', payload: successPayload(id) };
    for (const secret of [null, 'guess', '']) {
      const answers = await sendByPython([message], secret);
      expect(answers).toEqual([
        { status: 401, body: { success: false, error: 'signature: missing or not valid' } },
      ]);
    }
    expect(await receiver.story(id)).toMatchObject({ audioStatus: 'processing' });
  });
});

/** What Python writes for a value that a handler does not have: None, texts, floats that are no numbers; or no key. */
const NOTHING = ['null', '""', '"  \\n"', 'NaN', 'Infinity', '-Infinity', undefined] as const;
type Fields = Readonly<Record<string, unknown>>;

/** The paths of all fields, those of fields inside fields too. */
const pathsOf = (fields: Fields, above = ''): string[] =>
  Object.entries(fields).flatMap(([name, value]) => [
    `${above}${name}`,
    ...(isRecord(value) ? pathsOf(value, `${above}${name}.`) : []),
  ]);

/** The fields with another value, or without one, at these paths. */
const replaced = (fields: Fields, paths: readonly string[], value: unknown, above = ''): Fields =>
  Object.fromEntries(
    Object.entries(fields).map(([name, inner]) => {
      if (paths.includes(`${above}${name}`)) return [name, value];
      return [name, isRecord(inner) ? replaced(inner, paths, value, `${above}${name}.`) : inner];
    }),
  );

/** The JSON text that Python writes. */
const written = (fields: Fields, paths: readonly string[], nothing: (typeof NOTHING)[number]): string => {
  const mark = '\u0007';
  const text = JSON.stringify(replaced(fields, paths, nothing && mark));
  return nothing === undefined ? text : text.replaceAll(JSON.stringify(mark), nothing);
};

const failure = { route: 'error-callback', status: 'failed', needed: ['story_id'] };
const success = { route: 'callback', status: 'ready' };
const result = { id: 'rp-1-u1', status: 'COMPLETED', error: null };

/** What handlers post, and what they return to RunPod; a story cannot end without the fields that are needed. */
const SHAPES: readonly {
  readonly route: string;
  readonly status: string;
  readonly payload: Fields;
  readonly needed: readonly string[];
}[] = [
  { ...failure, payload: errorPayload('s') },
  {
    ...failure,
    payload: errorPayload('s', {
      error: 'Voice profile not found',
      error_details: 'The voice profile file was not found in storage',
      voice_id: 'voice789',
      metadata: {
        language: 'en',
        story_type: 'user',
        story_name: 'Die Flut',
        voice_name: 'Ann',
        text_length: 1500,
        generation_time: 0.5,
        error_type: 'voice_profile_missing',
        disallowed_chars: ['\u200b'],
      },
    }),
  },
  ...['audio_url', 'storage_path', 'r2_path'].map((address) => ({
    ...success,
    needed: ['story_id', address],
    payload: successPayload('s', {
      voice_name: 'Ann',
      r2_path: 'private/users/u1/stories/audio/en/ann/r2.mp3',
      metadata: {
        user_id: 'u1',
        callback_url: 'https://a.example',
        pause_scale: 1.15,
        generation_time: 12.3,
      },
    }),
  })),
  ...['audio_url', 'firebase_url', 'storage_url', 'r2_url', 'storage_path', 'r2_path'].map((address) => ({
    route: 'runpod-webhook',
    status: 'ready',
    needed: ['id', 'status', 'output', `output.${address}`],
    payload: {
      ...result,
      output: { status: 'success', error: null, generation_time: 9.5, [address]: 'https://a.example/x.mp3' },
    },
  })),
  ...['message', 'error'].map((words) => ({
    route: 'runpod-webhook',
    status: 'failed',
    needed: ['id', 'status'],
    payload: {
      ...result,
      output: { status: 'error', [words]: 'Voice profile not found', generation_time: 9.5 },
    },
  })),
];

/** Each optional field without its value, then all of them, then all in fields. */
const CASES = SHAPES.flatMap(({ payload, needed, ...shape }) => {
  const optional = pathsOf(payload).filter((path) => !needed.includes(path));
  const inside = optional.filter((path) => path.includes('.'));
  return [...optional.map((path) => [path]), optional, inside].flatMap((paths) =>
    // An error callback without `error` is refused: no handler sends it.
    NOTHING.filter((nothing) => nothing !== undefined || !paths.includes('error')).map((nothing) => ({
      ...shape,
      payload: replaced(payload, paths, undefined),
      body: written(payload, paths, nothing),
    })),
  );
});

const noLog = (): void => {};

describe('whatever Python has no value for', () => {
  it('the story ends, with the words or the address that are there', async () => {
    const { firestore, baseUrl, logged } = receiver;
    const stories = createFirestoreStories(firestore, { timeoutMs: 120_000 });
    receiver.serve({
      webhook: { stories, log: noLog, now: Date.now, confirmWith: undefined, secrets: [SECRET] },
    });
    const ids = CASES.map((_, index) => `python-${index}`);
    for (let start = 0; start < ids.length; start += 400) {
      const batch = firestore.batch();
      for (const id of ids.slice(start, start + 400))
        batch.set(firestore.doc(`stories/${id}`), {
          userId: 'u1',
          audioStatus: 'processing',
          audioJobId: 'rp-1-u1',
        });
      await batch.commit();
    }
    const send = async ({ route, body }: (typeof CASES)[number], index: number) => {
      const id = ids[index] ?? '';
      const path = `/api/tts/${route}`;
      const raw = body.replace('"story_id":"s"', `"story_id":"${id}"`);
      const token = signJobToken(SECRET, id, 'rp-1-u1');
      const signature = signHmac(
        { method: 'POST', path, timestampMs: Date.now(), body: Buffer.from(raw) },
        SECRET,
        PREFIX,
      );
      const answer = await fetch(`${baseUrl}${path}?story=${id}&job=rp-1-u1&token=${token}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...signature },
        body: raw,
      });
      expect([answer.status, raw]).toEqual([200, raw]);
    };
    for (let start = 0; start < CASES.length; start += 50)
      await Promise.all(CASES.slice(start, start + 50).map((one, index) => send(one, start + index)));
    const ended = await firestore.getAll(...ids.map((id) => firestore.doc(`stories/${id}`)));
    for (const [index, { status, route, payload, body }] of CASES.entries()) {
      const story = ended[index]?.data() ?? {};
      const metadata = isRecord(payload['metadata']) ? payload['metadata'] : {};
      const words = payload['error'] ?? payload['error_details'] ?? metadata['error_type'];
      expect(story, body).toMatchObject({
        audioStatus: status,
        ...(route === 'callback' ? present({ audioUrl: payload['audio_url'] }) : {}),
        ...(route === 'error-callback' ? { audioError: words ?? describeError('unknown').sentence } : {}),
      });
      expect(story['audioUrl'] ?? story['audioStoragePath'] ?? story['audioError'], body).toMatch(/\S/);
    }
    expect(logged.filter(({ severity }) => severity === 'error')).toEqual([]);
  });
});

describe('our own hex HMAC', () => {
  it('is made as Python makes it', () => {
    // python3: hmac.new(b'key', b'POST\n/api/tts/callback\n1700000000000\n{}', 'sha256').hexdigest()
    const message = { method: 'POST', path: '/api/tts/callback', timestampMs: 1_700_000_000_000 };
    expect(signHmac({ ...message, body: Buffer.from('{}') }, 'key', 'x')['x-x-signature']).toBe(
      '3a5f4b11e761e6db2adefbd0b56efcf353a078d8d3ba7a995712b411f75eb326',
    );
  });
});
