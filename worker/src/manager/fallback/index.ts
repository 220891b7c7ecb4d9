export { type FallbackOptions, narrateWithFallbacks } from './narrate-with-fallbacks.ts';
export { type ChainEngine, planChain } from './plan-chain.ts';
