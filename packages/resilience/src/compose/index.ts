export type { CallOutcome, CallRejected, Rejection } from './call-outcome.ts';
export type { Call, CallContext, CallRequest } from './call-run.ts';
export { type ComposedPolicies, compose } from './compose.ts';
export { createPolicies, type Policies, type PolicySetup } from './policies.ts';
