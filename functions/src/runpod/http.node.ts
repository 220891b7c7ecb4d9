import type { AudioProbe } from '../sweep/find-audio.ts';
import type { RunpodHttp } from './client.ts';

/** Largest answer that is read: RunPod repeats a job's input, which may have up to 10 MB. */
const MAX_ANSWER_BYTES = 12_000_000;
const MAX_CONNECTIONS = 16;
const PROBE_TIMEOUT_MS = 5_000;

/** Loaded with the first request; callbacks, the common case, do not need it. */
const load = async () => {
  const { Agent, request } = await import('undici');
  const dispatcher = new Agent({ connections: MAX_CONNECTIONS, maxResponseSize: MAX_ANSWER_BYTES });
  return { request, dispatcher };
};

/** HTTP through undici, over connections that are kept alive. */
export const createUndiciHttp = (): { readonly runpod: RunpodHttp; readonly probe: AudioProbe } => {
  let loading: ReturnType<typeof load> | undefined;
  return {
    runpod: async ({ method, url, headers, body }, signal) => {
      const { request, dispatcher } = await (loading ??= load());
      const answer = await request(url, { method, headers, body: body ?? null, dispatcher, signal });
      const [retryAfter] = [answer.headers['retry-after']].flat();
      return { status: answer.statusCode, retryAfter, text: await answer.body.text() };
    },
    probe: async (url) => {
      const { request, dispatcher } = await (loading ??= load());
      const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
      const answer = await request(url, { method: 'HEAD', dispatcher, signal });
      await answer.body.dump();
      const [contentType] = [answer.headers['content-type']].flat();
      return {
        status: answer.statusCode,
        contentType,
        sizeBytes: Number(answer.headers['content-length'] ?? Number.NaN),
      };
    },
  };
};
