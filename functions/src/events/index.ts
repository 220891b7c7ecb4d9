export { createAnnouncingStories, type Events } from './announcing-stories.ts';
export type { NarrationEvent } from './narration-event.ts';
