export { checkStory, DEFAULT_STORY_LIMITS, type StoryCheck, type StoryLimits } from './check-story.ts';
export { primaryLanguage } from './language-tag.ts';
