export { pageConfig, type StackAddresses } from './addresses.ts';
export { type AnnouncedStack, announceStack, findStack } from './announce.ts';
export { pageUrlAs, type Reader, type StoryDraft, type StoryFields, signInReader } from './reader.ts';
export { type Stack, type StackOptions, startStack } from './stack.ts';
