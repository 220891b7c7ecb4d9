export * from './secrets.ts';
export * from './signatures.ts';
