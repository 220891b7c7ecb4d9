export { createAnnouncingStories } from './announcing-stories.ts';
export type { NarrationEvent } from './narration-event.ts';
export type { Events, OwedEvents } from './ports.ts';
export { type PublishOwedOptions, publishOwed } from './publish-owed.ts';
