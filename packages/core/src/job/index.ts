export { extrasForJob, extrasOfOtherVoice, type KeptExtras, keptExtras, readExtras } from './kept-extras.ts';
export { parseTtsJob } from './parse-job.ts';
export { type TtsJobEvent, type TtsJobExtras, type TtsJobRequest, ttsJobEvent } from './tts-job.ts';
