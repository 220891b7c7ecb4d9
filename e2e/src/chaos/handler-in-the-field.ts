import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { deriveErrorCallbackUrl, deriveProgressUrl } from '@taleback/core';
import { signHmac } from '@taleback/core/signatures';
import { audioKey } from '@taleback/core/storage';
import type { Random } from './random.ts';
import type { Reference } from './reference.ts';

export const HMAC_SECRET = 'shared with the handlers of the storm';
export const HMAC_PREFIX = 'storm';
/** Addresses of audio are signed, as those of a bucket. */
export const AUDIO_QUERY = 'X-Amz-Expires=604800&X-Amz-Signature=signed-by-the-storm';

export interface FieldJob {
  readonly storyId: string;
  readonly userId: string;
  readonly text: string;
  readonly voiceId: string;
  readonly callbackUrl: string;
  /** What it calls the job, and what the audio is named after. */
  readonly jobId: string;
  readonly fileName: string;
}

export interface FieldOptions {
  readonly reference: Reference;
  readonly audioFolder: string;
  readonly random: Random;
  /** Called before each callback. */
  readonly onSend?: () => void;
}

/** Of a Python handler; what is lost then is found by RunPod's webhook or by the sweep. */
const TRIES = 4;

const post = async (url: string, fields: Readonly<Record<string, unknown>>): Promise<void> => {
  const body = Buffer.from(JSON.stringify(fields));
  const message = { method: 'POST', path: new URL(url).pathname, timestampMs: Date.now(), body };
  const headers = { 'content-type': 'application/json', ...signHmac(message, HMAC_SECRET, HMAC_PREFIX) };
  for (let tries = 1; tries <= TRIES; tries += 1) {
    const answer = await fetch(url, { method: 'POST', headers, body }).catch(() => undefined);
    await answer?.arrayBuffer().catch(() => undefined);
    if (answer !== undefined && answer.status < 500) return;
    await sleep(500);
  }
};

/** Narrates a job as the handlers in the field do, with audio that was made before. @returns RunPod's output */
export const narrateInTheField = async (
  { storyId, userId, text, voiceId, callbackUrl, jobId, fileName }: FieldJob,
  { reference, audioFolder, random, onSend }: FieldOptions,
): Promise<Readonly<Record<string, unknown>>> => {
  const about = { story_id: storyId, user_id: userId, job_id: jobId };
  const send = (url: string, fields: Readonly<Record<string, unknown>>): Promise<void> => {
    onSend?.();
    return post(url, { ...about, ...fields });
  };
  if (random.chance(0.7))
    await send(deriveProgressUrl(callbackUrl), { stage: 'synthesizing', progress: 0.5 });
  const audio = reference.get(text);
  if (audio === undefined) {
    const error = `Voice profile not found: ${voiceId}`;
    await send(deriveErrorCallbackUrl(callbackUrl), { error });
    return { error };
  }
  await sleep(random.between(0, 1_000));
  const storagePath = audioKey({ userId, storyId, language: 'en', version: fileName });
  const file = join(audioFolder, storagePath);
  await mkdir(dirname(file), { recursive: true });
  // A second run of the job may write it, too.
  await writeFile(`${file}.${jobId}`, audio);
  await rename(`${file}.${jobId}`, file);
  // Its own supervisor gave it up a moment too early.
  if (random.chance(0.2)) {
    await send(deriveErrorCallbackUrl(callbackUrl), { error: 'Request timed out after 60 seconds' });
    await sleep(random.between(300, 3_000));
  }
  const audio_url = `http://audio.example/${storagePath}?${AUDIO_QUERY}`;
  const ready = { audio_url, storage_path: storagePath };
  await send(callbackUrl, ready);
  return ready;
};
