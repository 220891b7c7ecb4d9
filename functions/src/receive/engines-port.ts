import type { Refusal } from './answer.ts';

/** Takes what a worker tells of its engines: a refusal, or the 200. */
export type HearOfEngines = (body: unknown) => Promise<Refusal | { readonly kind: 'accepted' }>;
