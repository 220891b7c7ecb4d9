import { PubSub } from '@google-cloud/pubsub';
import { createNames } from '@taleback/core';
import type { NarrationEvent } from '@taleback/functions/src/events/narration-event.ts';
import type { Random } from './random.ts';

/**
 * A consumer of `tts-events` that drops what comes again. It subscribes before anything can end, and gives some events
 * back, so that they are delivered again.
 */
export const openEventConsumer = async (projectId: string, random: Random) => {
  const pubsub = new PubSub({ projectId });
  const [topic] = await pubsub.createTopic(createNames().topics.events);
  const [subscription] = await topic.createSubscription('storm');
  const events = new Map<string, NarrationEvent>();
  const torn: string[] = [];
  let repeated = 0;
  subscription.setOptions({ streamingOptions: { maxStreams: 1 } });
  // It opens its stream again.
  subscription.on('error', () => {});
  subscription.on('message', (message) => {
    const event = JSON.parse(message.data.toString('utf8')) as NarrationEvent;
    const known = events.get(event.id);
    if (known === undefined) events.set(event.id, event);
    else repeated += 1;
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(event)) torn.push(event.id);
    if (random.chance(0.1)) message.nack();
    else message.ack();
  });
  return {
    /** By their id. */
    events: events as ReadonlyMap<string, NarrationEvent>,
    /** Ids that came with two contents. */
    torn: torn as readonly string[],
    /** How many came more than once. */
    repeated: () => repeated,
    close: async () => {
      await subscription.close();
      await pubsub.close();
    },
  };
};
export type EventConsumer = Awaited<ReturnType<typeof openEventConsumer>>;
