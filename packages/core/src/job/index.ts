export { extrasForJob, extrasOfOtherVoice, type KeptExtras, keptExtras, readExtras } from './kept-extras.ts';
export { parseTtsJob } from './parse-job.ts';
export { TTS_DEAD_LETTER_TOPIC, TTS_EVENTS_TOPIC, TTS_JOBS_TOPIC } from './topics.ts';
export { type TtsJobEvent, type TtsJobExtras, type TtsJobRequest, ttsJobEvent } from './tts-job.ts';
