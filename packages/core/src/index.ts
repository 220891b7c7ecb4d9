export * from './callback/index.ts';
export * from './engines/index.ts';
export * from './errors/index.ts';
export * from './job/index.ts';
export * from './secrets/index.ts';
export * from './speech/index.ts';
export * from './storable/index.ts';
export * from './story/index.ts';
