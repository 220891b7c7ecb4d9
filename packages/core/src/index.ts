export { deriveErrorCallbackUrl, deriveProgressUrl } from './callback/callback-url.ts';
export {
  type ErrorCallback,
  type ProgressReport,
  parseErrorCallback,
  parseProgress,
  parseSuccessCallback,
  type SuccessCallback,
} from './callback/parse.ts';
export { documentId, optionalText, type Parsed, parseWith } from './callback/parse.ts';
export * from './errors/index.ts';
export * from './heartbeat/heartbeat.ts';
export * from './job/tts-job.ts';
export * from './json.ts';
export * from './log.ts';
export { createNames, type Names, type NamesOptions } from './names.ts';
export * from './storable/document-id.ts';
export {
  ALTERED_FIELD,
  type Alteration,
  fieldsBytes,
  fitDocument,
  MAX_DOCUMENT_BYTES,
  storableMetadata,
} from './storable/document.ts';
export * from './story/index.ts';
export {
  checkStory,
  DEFAULT_STORY_LIMITS,
  primaryLanguage,
  type StoryCheck,
  type StoryLimits,
} from './text/check-story.ts';
