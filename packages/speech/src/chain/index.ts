export { type FallbackOptions, narrateWithFallbacks } from './narrate-with-fallbacks.ts';
export { type ChainEngine, type ChainMember, planChain } from './plan-chain.ts';
