export { type LoadedConfig, loadConfig } from './load-config.ts';
export type { Emulators, PageConfig } from './page-config.ts';
