export { buildFunctions } from './functions.ts';
export { buildWeb } from './web.ts';
