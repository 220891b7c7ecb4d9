export {
  checkStory,
  DEFAULT_STORY_LIMITS,
  primaryLanguage,
  type StoryCheck,
  type StoryLimits,
} from './check-story.ts';
