export { renamed } from './merge-pools.ts';
export { type Around, SpeechChain, type SpeechChainOptions } from './speech-chain.ts';
