export * from './callback/callback-url.ts';
export * from './callback/parse.ts';
export * from './errors/index.ts';
export * from './heartbeat/heartbeat.ts';
export * from './job/job-extras.ts';
export * from './job/tts-job.ts';
export * from './json.ts';
export * from './log.ts';
export * from './names.ts';
export * from './storable/document-id.ts';
export {
  ALTERED_FIELD,
  type Alteration,
  type Cuttable,
  fieldsBytes,
  fitDocument,
  fitsEasily,
} from './storable/document.ts';
export { MAX_DOCUMENT_BYTES, storableMetadata } from './storable/document.ts';
export * from './story/index.ts';
export * from './voices/voices.ts';
export { checkStory, DEFAULT_STORY_LIMITS, primaryLanguage } from './text/check-story.ts';
export type { StoryCheck, StoryLimits } from './text/check-story.ts';
