export { createPoolLine } from './pool-line.ts';
export type { SpeechLine } from './speech-line.ts';
