export { answerRunpod } from './answer-runpod.ts';
export type { JobSource } from './job-source.ts';
export { type CapacityInput, storyCapacity } from './story-capacity.ts';
