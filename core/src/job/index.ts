export { TTS_JOBS_TOPIC, type TtsJobEvent, type TtsJobRequest, ttsJobEvent } from './tts-job.ts';
