export {
  type AudioFinder,
  type AudioPlace,
  type AudioProbe,
  type AudioProbeAnswer,
  createAudioFinder,
  createStoreAudioFinder,
  type FoundAudio,
  publishedAudioPlace,
} from './audio-finder.ts';
export { type SweepOptions, type SweepReport, sweepStories } from './sweep.ts';
export type { SweepPage, SweepQuery, SweepStore, SweptStory } from './sweep-store.ts';
