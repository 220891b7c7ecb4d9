import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serve } from '@taleback/e2e/src/chaos/serve.ts';
import { parseConfig } from '@taleback/worker/src/config.ts';
import { openWorker } from '@taleback/worker/src/wiring.ts';
import { executedFiles } from './house-callback.ts';

const TEXT = 'Once upon a time there was a worker who spoke.';

/**
 * The files of ours that one story of two sentences executes in the worker's process, wired as the worker wires itself,
 * from the job to the delivered callback: by V8's precise coverage of the second story. Child processes and threads run
 * files of their own.
 */
export const filesOfStory = async (): Promise<readonly string[]> => {
  const folder = await mkdtemp(join(tmpdir(), 'taleback-house-'));
  await mkdir(join(folder, 'audio'));
  let delivered: (() => void) | undefined;
  const receiver = await serve((request, response) => {
    request.resume().on('end', () => {
      response.setHeader('content-type', 'application/json').end('{"success":true}');
      if (request.url === '/api/tts/callback') delivered?.();
    });
  });
  const callbackUrl = `${receiver.url}/api/tts/callback`;
  const environment = {
    AUDIO_FOLDER: join(folder, 'audio'),
    AUDIO_PORT: '0',
    HEALTH_PORT: '0',
    OUTBOX_FOLDER: join(folder, 'outbox'),
    SPEECH_CACHE_FOLDER: join(folder, 'cache'),
    CONTROL_FILE: join(folder, 'control.env'),
    ALLOW_PRIVATE_CALLBACKS: 'on',
    CALLBACK_SECRETS: `whsec_${randomBytes(32).toString('base64')}`,
    JOB_SOURCE: 'runpod-dev',
    RUNPOD_DEV_PORT: '0',
    ENGINES: 'flite',
    SYSTEM_PROTECTION: 'off',
  };
  const worker = await openWorker(parseConfig(environment), environment, 'house', () => {});
  const narrate = async (id: string, text: string): Promise<void> => {
    const reported = new Promise<void>((resolve) => {
      delivered = resolve;
    });
    const metadata = { story_id: `story-${id}`, user_id: 'u1', callback_url: callbackUrl };
    await worker.handler({ id, input: { text, voice_id: 'slt', metadata } }, new AbortController().signal);
    await reported;
  };
  try {
    await worker.manager.initialize();
    return await executedFiles(
      () => narrate('j1', `${TEXT} It spoke.`),
      () => narrate('j2', `${TEXT} It spoke again.`),
    );
  } finally {
    await worker.close();
    await receiver.close();
    await rm(folder, { recursive: true, force: true });
  }
};
