/** Network diagnostics: why a service cannot be reached, and what to do about it. */
export * from './diagnose.ts';
export * from './diagnosis-on-failure.ts';
export type * from './network.node.ts';
export { createNetworkProbe } from './network.node.ts';
export { type StepName, type Trouble, withoutSecrets } from './trouble.ts';
