export { createHearOfEngines, type HearOfEnginesOptions } from './create-hear-of-engines.ts';
export type { EngineStore, KeepOutcome } from './engine-store.ts';
