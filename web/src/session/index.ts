export { type Asking, type AskState, createAsking } from './asking.ts';
export { HOME_HREF, NEW_STORY_HREF, parseRoute, type Route, storyHref, takeToken } from './route.ts';
export { openSession, type ReaderState, type Session } from './session.ts';
