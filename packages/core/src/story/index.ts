export { isRetryDue, isTransient } from './changes.ts';
export * from './decide.ts';
export * from './message.ts';
export { type AudioRequest, decideRequest, type RequestDecision } from './request.ts';
export * from './story-audio.ts';
