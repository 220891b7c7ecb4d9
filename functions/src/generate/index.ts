export { createGenerate } from './create-generate.ts';
