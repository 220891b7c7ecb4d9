export {
  type Cleared,
  createPreflight,
  type Preflight,
  type PreflightJob,
  type PreflightPorts,
} from './preflight.ts';
export type { SoundSize } from './space-needed.ts';
