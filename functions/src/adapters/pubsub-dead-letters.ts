import { createNames } from '@taleback/core';
import type { DeadLetters } from '../dispatch/index.ts';
import { createPubsubTopic } from './pubsub-topic.ts';

/** Jobs that nobody could take, on a Pub/Sub topic that is made when it is missing. */
export const createPubsubDeadLetters = (projectId?: string): DeadLetters => {
  const publish = createPubsubTopic(createNames().topics.deadLetters, { projectId, createMissing: true });
  return { publish: ({ data, attributes }) => publish({ data, attributes: { ...attributes } }) };
};
