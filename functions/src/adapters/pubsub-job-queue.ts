import { createNames } from '@taleback/core';
import type { JobQueue } from '../request/index.ts';
import { createPubsubTopic } from './pubsub-topic.ts';

/**
 * Jobs on a Pub/Sub topic.
 *
 * @param projectId default: the project that the environment names
 */
export const createPubsubJobQueue = (projectId?: string): JobQueue => {
  const publish = createPubsubTopic(createNames().topics.jobs, { projectId });
  return {
    publish: (job) => {
      const { story_id: storyId } = job.input.metadata;
      return publish({ data: Buffer.from(JSON.stringify(job)), attributes: { jobId: job.id, storyId } });
    },
  };
};
