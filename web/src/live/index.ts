export type { AskAnswer } from './ask.ts';
export { type Clock, systemClock } from './clock.ts';
export type {
  AudioAsk,
  Feed,
  Found,
  Listener,
  Reader,
  SaveAnswer,
  SignInAnswer,
  Snapshot,
  StoryEdit,
  Unsubscribe,
  Watch,
} from './feed.ts';
export { type Following, follow, type Surroundings } from './follow.ts';
export { type View, type ViewKind, valueOf } from './view.ts';
