export * from './callback/callback-url.ts';
export * from './callback/parse.ts';
export * from './errors/index.ts';
export * from './heartbeat/heartbeat.ts';
export * from './job/job-extras.ts';
export * from './job/tts-job.ts';
export * from './json.ts';
export * from './log.ts';
export * from './names.ts';
export {
  ALTERED_FIELD,
  type Alteration,
  type Cuttable,
  documentIdFault,
  fieldsBytes,
  fitDocument,
  fitsEasily,
  isWellFormed,
  MAX_DOCUMENT_BYTES,
  storableMetadata,
  toWellFormed,
} from './storable/document.ts';
export * from './story/index.ts';
export * from './voices/voices.ts';
export { checkStory, DEFAULT_STORY_LIMITS, primaryLanguage } from './text/check-story.ts';
export type { StoryCheck, StoryLimits } from './text/check-story.ts';
