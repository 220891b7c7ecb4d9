export { type AudioFinder, type AudioProbe, createAudioFinder } from './audio-finder.ts';
export { type SweepOptions, type SweepReport, sweepStories } from './sweep.ts';
export type { SweepPage, SweepQuery, SweepStore, SweptStory } from './sweep-store.ts';
