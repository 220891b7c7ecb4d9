export { type CallableAnswer, type CallableValue, callableAnswer } from './callable-answer.ts';
export type { AttemptStore, JobQueue, StoryText } from './ports.ts';
export { type RequestAnswer, type RequestOptions, requestAudio } from './request-audio.ts';
