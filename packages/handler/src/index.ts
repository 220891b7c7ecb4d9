export * from './handle-job.ts';
export { type NarrationJob, parseEvent, type RecordingSource, type VoiceStyle } from './parse-event.ts';
export type { PreflightOptions, SoundSize } from './preflight.ts';
export type { CallbackClient, CallbackMessage, Delivery, Narration, StoredAudio } from './report.ts';
