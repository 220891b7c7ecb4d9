import { saysStoryDeleted } from '@taleback/core';
import { signHmac, signStandard } from '@taleback/core/signatures';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openReceiver, type ReceiverHarness } from './harness.ts';

const [OLD_KEY, NEW_KEY, STRANGERS_KEY] = [1, 2, 3].map((fill) => Buffer.alloc(24, fill)) as [
  Buffer,
  Buffer,
  Buffer,
];
const HMAC_SECRETS = ['shared-with-handlers', 'its-successor'] as const;
const PREFIX = 'my-app';
const PATH = '/api/tts/callback';
const TOLERANCE_SECONDS = 300;

type Signer = (
  body: string,
  at?: { readonly nowMs?: number; readonly path?: string },
) => Record<string, string>;

const standard =
  (...keys: Buffer[]): Signer =>
  (body, { nowMs = Date.now() } = {}) =>
    signStandard({ id: 'msg_1', timestampSeconds: nowMs / 1000, body: Buffer.from(body) }, keys);

const hmac =
  (secret: string, prefix = PREFIX): Signer =>
  (body, { nowMs = Date.now(), path = PATH } = {}) =>
    signHmac({ method: 'POST', path, timestampMs: nowMs, body: Buffer.from(body) }, secret, prefix);

const changed = (headers: Record<string, string>, name: string, value: string | undefined) =>
  Object.fromEntries(
    Object.entries({ ...headers, [name]: value }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    ),
  );

describe('the receiver, signatures required', () => {
  let receiver: ReceiverHarness;
  let next = 0;
  beforeAll(async () => {
    receiver = await openReceiver({
      signatures: 'required',
      secrets: { standard: [NEW_KEY, OLD_KEY], hmac: HMAC_SECRETS },
      hmacHeaderPrefix: PREFIX,
    });
  });
  afterAll(() => receiver.close());

  const newStory = async () => {
    next += 1;
    const id = `story-${next}`;
    const fields = {
      userId: 'u1',
      text: 'Once.',
      audioStatus: 'processing',
      audioJobId: 'j',
      audioAttempt: 1,
    };
    await receiver.firestore.doc(`stories/${id}`).set(fields);
    return { id, fields, body: JSON.stringify({ story_id: id, job_id: 'j', r2_path: 'p/ü.mp3' }) };
  };

  describe('accepts', () => {
    it.each<[string, Signer]>([
      ['Standard Webhooks', standard(NEW_KEY)],
      ['Standard Webhooks with the key that is being replaced', standard(OLD_KEY)],
      ['Standard Webhooks signed with both keys', standard(OLD_KEY, NEW_KEY)],
      ['Standard Webhooks signed also with a key we do not know', standard(STRANGERS_KEY, NEW_KEY)],
      ['the hex HMAC', hmac(HMAC_SECRETS[0])],
      ['the hex HMAC with its successor', hmac(HMAC_SECRETS[1])],
      ['both at once', (body) => ({ ...standard(NEW_KEY)(body), ...hmac(HMAC_SECRETS[0])(body) })],
      [
        'the hex HMAC beside a stranger’s Standard Webhooks',
        (body) => ({ ...standard(STRANGERS_KEY)(body), ...hmac(HMAC_SECRETS[0])(body) }),
      ],
    ])('%s', async (_, sign) => {
      const { id, body } = await newStory();
      expect(await receiver.post('callback', body, sign(body))).toMatchObject({
        status: 200,
        body: { success: true },
      });
      expect(await receiver.story(id)).toMatchObject({ audioStatus: 'ready', audioStoragePath: 'p/ü.mp3' });
    });

    it.each([-TOLERANCE_SECONDS + 5, TOLERANCE_SECONDS - 5])(
      'a clock that is %i s off',
      async (offSeconds) => {
        const { body } = await newStory();
        const nowMs = Date.now() + offSeconds * 1000;
        for (const sign of [standard(NEW_KEY), hmac(HMAC_SECRETS[0])]) {
          expect((await receiver.post('callback', body, sign(body, { nowMs }))).status).toBe(200);
        }
      },
    );

    it('the path as it was called, without its query', async () => {
      const { body } = await newStory();
      expect((await receiver.post('callback?a=1', body, hmac(HMAC_SECRETS[0])(body))).status).toBe(200);
      const other = await receiver.post('error-callback', body, hmac(HMAC_SECRETS[0])(body));
      expect(other.status).toBe(401);
    });
  });

  const genuine = standard(NEW_KEY);
  const late = { nowMs: Date.now() - (TOLERANCE_SECONDS + 60) * 1000 };
  const early = { nowMs: Date.now() + (TOLERANCE_SECONDS + 60) * 1000 };
  const hmacOf = hmac(HMAC_SECRETS[0]);

  it.each<[string, (body: string) => Record<string, string>]>([
    ['unsigned', () => ({})],
    ['signed by a stranger', standard(STRANGERS_KEY)],
    ['signed over another body', (body) => genuine(`${body} `)],
    ['signed long ago', (body) => genuine(body, late)],
    ['signed in the future', (body) => genuine(body, early)],
    ['with another id', (body) => changed(genuine(body), 'webhook-id', 'msg_2')],
    ['without its id', (body) => changed(genuine(body), 'webhook-id', undefined)],
    ['without its timestamp', (body) => changed(genuine(body), 'webhook-timestamp', undefined)],
    [
      'with its timestamp moved',
      (body) => changed(genuine(body, late), 'webhook-timestamp', String(Math.floor(Date.now() / 1000))),
    ],
    ['with a timestamp that is no number', (body) => changed(genuine(body), 'webhook-timestamp', 'NaN')],
    ['without its signature', (body) => changed(genuine(body), 'webhook-signature', undefined)],
    ['with an empty signature', (body) => changed(genuine(body), 'webhook-signature', 'v1,')],
    [
      'with a signature of another version',
      (body) =>
        changed(
          genuine(body),
          'webhook-signature',
          (genuine(body)['webhook-signature'] ?? '').replace('v1,', 'v1a,'),
        ),
    ],
    ['HMAC by a stranger', hmac('not-the-secret')],
    ['HMAC with the empty secret', hmac('')],
    ['HMAC over another body', (body) => hmacOf(`${body} `)],
    ['HMAC over another path', (body) => hmacOf(body, { path: '/api/tts/error-callback' })],
    ['HMAC long ago', (body) => hmacOf(body, late)],
    ['HMAC in the future', (body) => hmacOf(body, early)],
    ['HMAC under another word', hmac(HMAC_SECRETS[0], 'taleback')],
    ['HMAC without its timestamp', (body) => changed(hmacOf(body), `x-${PREFIX}-timestamp`, undefined)],
    [
      'HMAC in capitals',
      (body) =>
        changed(
          hmacOf(body),
          `x-${PREFIX}-signature`,
          (hmacOf(body)[`x-${PREFIX}-signature`] ?? '').toUpperCase(),
        ),
    ],
    ['HMAC cut short', (body) => changed(hmacOf(body), `x-${PREFIX}-signature`, 'ab')],
  ])('refuses what is %s, always in the same words, and writes nothing', async (_, sign) => {
    const { id, fields, body } = await newStory();
    const answer = await receiver.post('callback', body, sign(body));
    expect(answer).toMatchObject({
      status: 401,
      body: { success: false, error: 'signature: missing or not valid' },
    });
    expect(await receiver.story(id)).toEqual(fields);
    expect(await receiver.attempts(id)).toEqual({});
  });

  it('refuses a forged body before it looks into it', async () => {
    for (const body of ['{"story_id": ', '', '[]', '{}', '{"story_id":"nobody","r2_path":"p"}', '\u0000']) {
      for (const sign of [standard(STRANGERS_KEY), hmac('not-the-secret'), () => ({})]) {
        expect((await receiver.post('callback', body, sign(body))).status).toBe(401);
      }
      expect([400, 404, 422]).toContain((await receiver.post('callback', body, genuine(body))).status);
    }
  });

  it('guards every route that writes, and health not', async () => {
    for (const route of ['callback', 'error-callback', 'progress']) {
      expect((await receiver.post(route, '{}')).status).toBe(401);
    }
    expect((await fetch(`${receiver.baseUrl}/api/tts/health`)).status).toBe(200);
  });

  it('tells its log, and only its log, why', async () => {
    const { body } = await newStory();
    const reasonOf = async (headers: Record<string, string>): Promise<unknown> => {
      await receiver.post('callback', body, headers);
      return (receiver.logged.at(-1)?.fields as { reason?: string } | undefined)?.reason;
    };
    expect(await reasonOf({})).toBe('unsigned');
    expect(await reasonOf(standard(STRANGERS_KEY)(body))).toBe('forged');
    expect(await reasonOf(genuine(body, late))).toBe('stale');
    expect(await reasonOf(hmac('not-the-secret')(body))).toBe('forged');
    const secrets = [...HMAC_SECRETS, NEW_KEY.toString('base64'), OLD_KEY.toString('base64')];
    for (const secret of secrets) expect(JSON.stringify(receiver.logged)).not.toContain(secret);
  });

  it('takes the same signed message twice for one', async () => {
    const { id, body } = await newStory();
    const headers = genuine(body);
    expect((await receiver.post('callback', body, headers)).status).toBe(200);
    const story = await receiver.story(id);
    expect((await receiver.post('callback', body, headers)).status).toBe(200);
    expect(await receiver.story(id)).toEqual(story);
  });
});

describe('a message about a story that does not exist', () => {
  it('learns whether the story was deleted, if its sender is verified', async () => {
    const receiver = await openReceiver({
      signatures: 'required',
      secrets: { standard: [NEW_KEY], hmac: [] },
    });
    await receiver.firestore.doc('ttsDeletions/d1').set({ userId: 'u1', storyId: 'deleted', state: 'done' });
    const ask = (storyId: string, key: Buffer) => {
      const body = JSON.stringify({ story_id: storyId, job_id: 'j', stage: 'storing' });
      return receiver.post('progress', body, standard(key)(body));
    };
    const error = 'story_id: the story "deleted" was deleted';
    const deleted = await ask('deleted', NEW_KEY);
    expect(deleted).toMatchObject({ status: 404, body: { success: false, code: 'story_deleted', error } });
    expect(saysStoryDeleted(JSON.stringify(deleted.body))).toBe(true);
    const unknown = { success: false, error: 'story_id: there is no story "never"' };
    expect(await ask('never', NEW_KEY)).toMatchObject({ status: 404, body: unknown });
    const [one, other] = [await ask('deleted', STRANGERS_KEY), await ask('never', STRANGERS_KEY)];
    expect(one.status).toBe(401);
    expect(one.body).toEqual(other.body);
    receiver.serve({ signatures: 'off' });
    expect((await ask('deleted', STRANGERS_KEY)).body).not.toHaveProperty('code');
    await receiver.close();
  });
});

describe('the receiver, signatures required, with one scheme only', () => {
  it('refuses a key that was taken out of service, and the scheme it has no secret for', async () => {
    const receiver = await openReceiver({
      signatures: 'required',
      secrets: { standard: [NEW_KEY], hmac: [] },
    });
    const body = '{"story_id":"nobody","r2_path":"p"}';
    expect((await receiver.post('callback', body, standard(NEW_KEY)(body))).status).toBe(404);
    expect((await receiver.post('callback', body, standard(OLD_KEY)(body))).status).toBe(401);
    expect((await receiver.post('callback', body, hmac(HMAC_SECRETS[0], 'taleback')(body))).status).toBe(401);
    await receiver.close();
  });
});
