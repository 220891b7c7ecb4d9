import { setTimeout as sleep } from 'node:timers/promises';
import { type Log, parseTtsJob, type TtsJobEvent } from '@taleback/core';
import { createRunpodClient, type RunpodClient } from '@taleback/functions/src/runpod/client.ts';
import { dispatchJob, type DispatchOptions } from '@taleback/functions/src/runpod/dispatch.ts';
import { createUndiciHttp } from '@taleback/functions/src/runpod/http.node.ts';
import { serveRunpodLocally } from '@taleback/runpod-worker/local';
import { type FieldOptions, narrateInTheField } from './handler-in-the-field.ts';

export interface StormRunpodOptions extends Omit<FieldOptions, 'onSend'> {
  readonly log: Log;
}

/** RunPod's local endpoint with a handler of the field, and the way of jobs to it. */
export const openRunpod = async ({ random, log, ...field }: StormRunpodOptions) => {
  const answered = new Set<string>();
  let early = 0;
  const closing = new AbortController();
  const handler = (runpodJob: { readonly id: string; readonly input: unknown }): Promise<unknown> => {
    const { id, input } = runpodJob;
    const parsed = parseTtsJob({ id, input });
    if (!parsed.ok) throw new Error(parsed.sentence);
    const { text, voice_id: voiceId, metadata } = parsed.value.input;
    const { story_id: storyId, user_id: userId } = metadata;
    const url = new URL(metadata.callback_url);
    const fileName = url.searchParams.get('job') ?? id;
    // One that has the address in its configuration names RunPod's job only.
    const isBare = random.chance(0.25);
    if (isBare) url.search = '';
    return narrateInTheField(
      { storyId, userId, text, voiceId, callbackUrl: url.href, jobId: id, fileName },
      { ...field, random, onSend: () => (early += isBare && !answered.has(id) ? 1 : 0) },
    );
  };
  const local = await serveRunpodLocally(handler, {
    concurrency: 4,
    webhookDelaysMs: [500, 1_000],
    allowPrivateWebhooks: true,
    log,
  });
  const client = createRunpodClient({
    http: createUndiciHttp().runpod,
    apiUrl: `${local.url}/v2`,
    endpointId: 'storm',
    apiKey: { text: 'none' },
    now: Date.now,
  });
  /** Its answer comes late, or to a process that has died. */
  const run: RunpodClient['run'] = async (order) => {
    const answer = await client.run(order);
    await sleep(random.between(0, 1_500));
    if (random.chance(0.1)) throw new Error('the process that dispatches died');
    if (answer.kind === 'accepted') answered.add(answer.runpodJobId);
    return answer;
  };
  return {
    client,
    /** Dispatches a job until that is acknowledged, as Pub/Sub does. */
    dispatch: async (job: TtsJobEvent, options: Omit<DispatchOptions, 'runpod'>): Promise<void> => {
      const message = { data: Buffer.from(JSON.stringify(job)), attributes: {} };
      while (!closing.signal.aborted) {
        try {
          await dispatchJob(message, { ...options, runpod: { ...client, run } });
          return;
        } catch (error) {
          log('warn', 'dispatch comes again', { jobId: job.id, reason: String(error) });
          await sleep(500);
        }
      }
    },
    /** Callbacks under RunPod's id that were sent before the dispatch was recorded. */
    early: () => early,
    close: async () => {
      closing.abort();
      await local.close();
    },
  };
};
export type StormRunpod = Awaited<ReturnType<typeof openRunpod>>;
