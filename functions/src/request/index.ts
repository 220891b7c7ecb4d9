export { type CallableAnswer, type CallableValue, callableAnswer, renewalAnswer } from './callable-answer.ts';
export { type OpenAnswer, type Opening, type OpenOptions, openAttempt } from './open-attempt.ts';
export type { AddressStore, AttemptStore, Denial, JobQueue, KnownAttempt, StoryText } from './ports.ts';
export { type RequestAnswer, type RequestOptions, requestAudio, retryByItself } from './request-audio.ts';
export { type RenewAnswer, type RenewOptions, renewAudio } from './renew-audio.ts';
