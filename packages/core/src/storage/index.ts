export * from './audio-key.ts';
export * from './content-hash.ts';
