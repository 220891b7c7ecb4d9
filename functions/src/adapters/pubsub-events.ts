import { createNames } from '@taleback/core';
import type { Events } from '../events/index.ts';
import { createPubsubTopic } from './pubsub-topic.ts';

/** A sender of seed 001 waits 10 s in all; once a process publishes, an event takes some 20 ms. */
const PUBLISH_TIMEOUT_MS = 4_000;

/**
 * Events on a Pub/Sub topic that is made when it is missing: one that nobody made would keep callbacks from being
 * accepted. The attributes let a subscription choose without reading the event.
 * @see https://github.com/google/knative-gcp/blob/main/docs/spec/pubsub-protocol-binding.md
 */
export const createPubsubEvents = (projectId?: string): Events => {
  const publish = createPubsubTopic(createNames().topics.events, {
    projectId,
    createMissing: true,
    timeoutMs: PUBLISH_TIMEOUT_MS,
  });
  return {
    publish: (event) =>
      publish({
        data: Buffer.from(JSON.stringify(event)),
        attributes: {
          'content-type': 'application/cloudevents+json',
          type: event.type,
          storyId: event.subject,
        },
      }),
  };
};
