import { randomUUID } from 'node:crypto';
import { Firestore } from '@google-cloud/firestore';
import { voiceDocumentId } from '@taleback/core';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { runHere } from './run-cli.ts';

const projectId = `demo-${randomUUID().slice(0, 13)}`;
const firestore = new Firestore({ projectId });
afterAll(() => firestore.terminate());

const refOf = (engine: string, voiceId: string) =>
  firestore.doc(`ttsVoices/${voiceDocumentId({ engine, voiceId })}`);

const register = (engine: string, voiceId: string, access: unknown) =>
  refOf(engine, voiceId).set({
    engine,
    voiceId,
    name: 'Mum',
    languages: ['en'],
    access,
    isPrivate: access !== 'shared',
  });

const EMULATOR = process.env['FIRESTORE_EMULATOR_HOST'] ?? '';
const env = { GOOGLE_CLOUD_PROJECT: projectId, FIRESTORE_EMULATOR_HOST: EMULATOR };
const voices = (...args: string[]) => runHere(['voices', ...args], { env });

const inMenu = async (): Promise<unknown> => (await firestore.doc('ttsVoices/menu').get()).get('engines');

beforeEach(async () => {
  await firestore.recursiveDelete(firestore.collection('ttsVoices'));
  await register('elevenlabs', 'mum', 'closed');
  const stock = { id: 'stock', name: 'Rachel', languages: ['en'] };
  await firestore.doc('ttsVoices/menu').set({ engines: [{ name: 'elevenlabs', voices: [stock] }] });
});

describe('taleback voices', () => {
  it('lists who may use which voice', async () => {
    const run = await voices('list', '--json');
    expect(JSON.parse(run.out)).toMatchObject([{ engine: 'elevenlabs', voiceId: 'mum', access: 'closed' }]);
    expect((await voices('list')).out).toMatch(/elevenlabs +mum +Mum +closed/);
  });

  it('shares a voice and closes it, in the register and in the menu at once', async () => {
    expect(await voices('share', 'mum')).toMatchObject({ code: 0 });
    expect((await refOf('elevenlabs', 'mum').get()).data()).toMatchObject({
      access: 'shared',
      isDecided: true,
    });
    expect(await inMenu()).toMatchObject([
      { voices: [{ id: 'stock' }, { id: 'mum', name: 'Mum', languages: ['en'] }] },
    ]);
    expect(await voices('close', 'mum')).toMatchObject({ code: 0 });
    expect((await refOf('elevenlabs', 'mum').get()).get('access')).toBe('closed');
    expect(await inMenu()).toEqual([
      expect.objectContaining({ voices: [expect.objectContaining({ id: 'stock' })] }),
    ]);
  });

  it('assigns a voice to a user, which takes it out of the menu', async () => {
    await voices('share', 'mum');
    expect(await voices('assign', 'mum', '--user', 'ada')).toMatchObject({ code: 0 });
    expect((await refOf('elevenlabs', 'mum').get()).get('access')).toEqual({ owner: 'ada' });
    expect(JSON.stringify(await inMenu())).not.toContain('mum');
  });

  it('says when another engine keeps a shared voice closed', async () => {
    await register('kokoro', 'mum', 'shared');
    const run = await voices('share', 'mum', '--engine', 'kokoro');
    expect(run.out).toContain('Together: closed');
    expect(JSON.stringify(await inMenu())).not.toContain('mum');
  });

  it('decides about a voice that no worker reports', async () => {
    const run = await voices('share', 'of-a-handler');
    expect(run.out).toContain('No worker has reported this voice');
    expect((await refOf('', 'of-a-handler').get()).data()).toMatchObject({
      access: 'shared',
      isDecided: true,
    });
  });

  it.each([
    [['assign', 'mum'], '--user'],
    [['share'], "'id'"],
    [['share', 'v'.repeat(201)], '1 to 200 characters'],
  ])('refuses %j', async (args, words) => {
    const run = await voices(...args);
    expect([run.code, run.err]).toEqual([2, expect.stringContaining(words)]);
  });
});
