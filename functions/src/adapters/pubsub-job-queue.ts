import { TTS_JOBS_TOPIC } from '@taleback/core';
import type { Topic } from '@google-cloud/pubsub';
import type { JobQueue } from '../request/index.ts';

/** How long Pub/Sub may take to accept a job before the person is told, in milliseconds. */
const PUBLISH_TIMEOUT_MS = 10_000;

/**
 * Jobs on a Pub/Sub topic. The client is loaded with the first job: callbacks, the common case, never need it.
 *
 * @param projectId default: the project that the environment names
 */
export const createPubsubJobQueue = (projectId?: string): JobQueue => {
  let topic: Promise<Topic> | undefined;
  const connect = async (): Promise<Topic> => {
    const { PubSub } = await import('@google-cloud/pubsub');
    return new PubSub(projectId === undefined ? {} : { projectId }).topic(TTS_JOBS_TOPIC, {
      batching: { maxMessages: 1 },
      gaxOpts: { timeout: PUBLISH_TIMEOUT_MS },
    });
  };
  return {
    publish: async (job) => {
      topic ??= connect();
      const { story_id: storyId } = job.input.metadata;
      await (await topic).publishMessage({ json: job, attributes: { jobId: job.id, storyId } });
    },
  };
};
