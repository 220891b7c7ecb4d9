export { type FallbackLink, narrateWithFallbacks } from './narrate-with-fallbacks.ts';
export { voicesFor } from './voices-for.ts';
