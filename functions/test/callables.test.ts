import { randomBytes, randomUUID } from 'node:crypto';
import { PubSub } from '@google-cloud/pubsub';
import { createNames } from '@taleback/core';
import { deleteApp, getApp, initializeApp } from 'firebase-admin/app';
import { getFirestore } from 'firebase-admin/firestore';
import type { CallableRequest } from 'firebase-functions/https';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { HTTP_FUNCTIONS } from '../src/http/gate.node.ts';
import * as functions from '../src/index.ts';

const projectId = `demo-${randomUUID().slice(0, 13)}`;
const pubsub = new PubSub({ projectId });

beforeAll(async () => {
  vi.stubEnv('GCLOUD_PROJECT', projectId);
  vi.stubEnv('GOOGLE_CLOUD_PROJECT', projectId);
  vi.stubEnv('CALLBACK_SECRETS', `whsec_${randomBytes(24).toString('base64')}`);
  vi.stubEnv('PUBLIC_BASE_URL', 'https://tales.example');
  await pubsub.createTopic(createNames().topics.jobs);
});
afterAll(async () => {
  await pubsub.close();
  await deleteApp(getApp());
  vi.unstubAllEnvs();
});

const call = (token: object, data: object): CallableRequest<unknown> =>
  ({ data, auth: { uid: 'u1', token } }) as unknown as CallableRequest<unknown>;

it('a person has the priority of a custom claim, whatever the person sends', async () => {
  // The functions take the app that is there.
  const stories = getFirestore(initializeApp({ projectId })).collection(createNames().collections.stories);
  const asked = async (storyId: string, token: object): Promise<unknown> => {
    await stories.doc(storyId).set({ userId: 'u1', title: 'T', text: 'Once.', language: 'en' });
    await functions.requestStoryAudio.run(call(token, { storyId, priority: 'high' }));
    return (await stories.doc(storyId).get()).get('audioJobExtras');
  };
  expect(await asked('vip', { ttsPriority: 'high' })).toEqual({ priority: 'high' });
  expect(await asked('later', { ttsPriority: 'low' })).toEqual({ priority: 'low' });
  expect(await asked('plain', {})).toBeUndefined();
  expect(await asked('unknown', { ttsPriority: 'first' })).toBeUndefined();
});

it('an anonymous account has the smallest budget, and learns when the next narration is possible', async () => {
  const stories = getFirestore(getApp()).collection(createNames().collections.stories);
  const ask = async (uid: string, provider: string) => {
    const { id } = await stories.add({ userId: uid, title: 'T', text: 'Once.', language: 'en' });
    const token = { firebase: { sign_in_provider: provider } };
    return functions.requestStoryAudio.run({
      ...call(token, { storyId: id }),
      auth: { uid, token },
    } as never);
  };
  for (let index = 0; index < 3; index += 1) {
    await ask('guest', 'anonymous');
    await ask('ann', 'password');
  }
  await expect(ask('guest', 'anonymous')).rejects.toMatchObject({
    code: 'resource-exhausted',
    details: { code: 'budget_spent', retryAt: expect.stringMatching(/^2\d{3}-.*Z$/) },
  });
  expect(await ask('ann', 'password')).toMatchObject({ status: 'opened' });
});

it('every function has a bound of instances', () => {
  const bounds = Object.entries(functions).map(([name, { __endpoint: endpoint }]) => [
    name,
    endpoint.maxInstances,
  ]);
  expect(Object.fromEntries(bounds)).toEqual({
    ...Object.fromEntries(bounds.map(([name]) => [name, 20])),
    sweepStories: 1,
  });
});

it('every function over HTTP reads its bodies itself', () => {
  const overHttp = Object.entries(functions).filter(([, { __endpoint: endpoint }]) => {
    const { httpsTrigger, callableTrigger } = endpoint as { httpsTrigger?: object; callableTrigger?: object };
    return httpsTrigger !== undefined || callableTrigger !== undefined;
  });
  expect(overHttp.map(([name]) => name).toSorted()).toEqual(HTTP_FUNCTIONS.toSorted());
});
