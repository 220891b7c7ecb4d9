import type { Refusal } from './answer.ts';

/** Takes RunPod's own webhook, whose address is its only proof: a refusal, or the 200. */
export type Webhook = (request: Request) => Promise<Refusal | { readonly kind: 'accepted' }>;
