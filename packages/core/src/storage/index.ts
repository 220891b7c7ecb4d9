export * from './audio-key.ts';
export * from './content-hash.ts';
export * from './key-page.ts';
export * from './recording.ts';
