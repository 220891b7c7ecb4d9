export {
  createEngineAnnouncer,
  type EngineAnnouncer,
  type EngineAnnouncerOptions,
} from './engine-announcer.ts';
export type { EnginesPicture } from './engines-picture.ts';
