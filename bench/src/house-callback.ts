import { Session } from 'node:inspector/promises';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createNames } from '@taleback/core';
import { signHmac } from '@taleback/core/signatures';
import { inRoot } from '@taleback/scripts/src/paths.ts';
import { startReceiver } from '@taleback/scripts/src/stack/receiver.ts';

const SECRET = 'shared-with-the-sender-of-callbacks';
const ROUTE = '/api/tts/error-callback';

/** Files of ours, relative to the root, of which a function ran in the second of two works, when all is loaded. */
export const executedFiles = async (
  first: () => Promise<void>,
  second: () => Promise<void>,
): Promise<readonly string[]> => {
  const session = new Session();
  session.connect();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
    await first();
    await session.post('Profiler.takePreciseCoverage'); // forgets what ran before
    await second();
    const { result } = await session.post('Profiler.takePreciseCoverage');
    return result
      .filter(({ url }) => url.startsWith('file:') && !url.includes('/node_modules/'))
      .filter(({ functions }) =>
        functions.some(
          ({ ranges: [whole] }) => whole !== undefined && whole.count > 0 && whole.startOffset > 0,
        ),
      )
      .map(({ url }) => relative(inRoot(), fileURLToPath(url)))
      .filter((file) => /^(?:packages|functions|worker)\//.test(file))
      .sort();
  } finally {
    session.disconnect();
  }
};

/**
 * The files of ours that one error callback executes: the receiver on node:http with the emulators of Firestore and
 * Pub/Sub, by V8's precise coverage of the second callback, when everything is loaded and connected.
 */
export const filesOfCallback = async (): Promise<readonly string[]> => {
  process.env['CALLBACK_SECRETS'] = `hmac_${SECRET}`;
  const receiver = await startReceiver(() => {});
  const { url, firestore, project } = receiver.addresses;
  try {
    const stories = `http://${firestore}/v1/projects/${project}/databases/(default)/documents/${createNames().collections.stories}`;
    const fields = { userId: { stringValue: 'u1' }, audioStatus: { stringValue: 'processing' } };
    const prepare = async (storyId: string): Promise<RequestInit> => {
      const story = { ...fields, audioJobId: { stringValue: `job-of-${storyId}` } };
      const headers = { authorization: 'Bearer owner', 'content-type': 'application/json' };
      await fetch(`${stories}/${storyId}`, {
        method: 'PATCH',
        headers,
        body: JSON.stringify({ fields: story }),
      });
      const body = JSON.stringify({
        story_id: storyId,
        job_id: `job-of-${storyId}`,
        user_id: 'u1',
        error: 'CUDA out of memory',
        metadata: { language: 'en', text_length: 15 },
      });
      const message = { method: 'POST', path: ROUTE, timestampMs: Date.now(), body: Buffer.from(body) };
      const signature = signHmac(message, SECRET, 'taleback');
      return { method: 'POST', headers: { 'content-type': 'application/json', ...signature }, body };
    };
    const send = async (request: RequestInit): Promise<void> => {
      const answer = await fetch(url + ROUTE, request);
      const text = await answer.text();
      if (answer.status !== 200) throw new Error(`the receiver answered ${answer.status}: ${text}`);
    };
    const [first, second] = [await prepare('s1'), await prepare('s2')];
    return await executedFiles(
      () => send(first),
      () => send(second),
    );
  } finally {
    await receiver.stop();
  }
};
