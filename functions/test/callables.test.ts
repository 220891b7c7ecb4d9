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

it('every function over HTTP reads its bodies itself', () => {
  const overHttp = Object.entries(functions).filter(([, { __endpoint: endpoint }]) => {
    const { httpsTrigger, callableTrigger } = endpoint as { httpsTrigger?: object; callableTrigger?: object };
    return httpsTrigger !== undefined || callableTrigger !== undefined;
  });
  expect(overHttp.map(([name]) => name).toSorted()).toEqual(HTTP_FUNCTIONS.toSorted());
});
