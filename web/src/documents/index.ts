export { type Attempt, inOrder, readAttempt, type Transition } from './attempt.ts';
export { type Engine, readEngine } from './engine.ts';
export type { Fields } from './fields.ts';
export { leaseEndMs, type Narration, type NarrationKind, type Playable, readNarration } from './narration.ts';
export { type Failure, readStory, type Story, type StoryDraft } from './story.ts';
