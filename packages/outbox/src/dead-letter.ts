import { z } from 'zod';
import { describeFailure, type FailedDelivery } from './callbacks-index.ts';
import { entryFields, entryJson, type OutboxEntry, toEntry } from './outbox-entry.ts';

/** How the tries of a message ended. */
export interface DeadEnd {
  readonly why: 'refused' | 'expired';
  readonly delivery: FailedDelivery;
  /** Tries in the last life of the process. */
  readonly attempts: number;
  /** Unix milliseconds. */
  readonly atMs: number;
}

/** A message that was given up, for people and for `npm run replay`. */
export const formatDeadLetter = (entry: OutboxEntry, end: DeadEnd): Uint8Array => {
  const failure = {
    why: end.why,
    status: end.delivery.kind === 'refused' ? end.delivery.status : null,
    cause: describeFailure(end.delivery),
    attempts: end.attempts,
    at: new Date(end.atMs).toISOString(),
  };
  return Buffer.from(`${JSON.stringify({ ...entryJson(entry), failure }, null, 2)}\n`);
};

const schema = z.object({
  ...entryFields,
  failure: z.object({ why: z.string(), cause: z.string() }),
});

export type ParsedDeadLetter =
  | { readonly ok: true; readonly entry: OutboxEntry; readonly cause: string }
  | { readonly ok: false; readonly reason: string };

export const parseDeadLetter = (text: string): ParsedDeadLetter => {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { ok: false, reason: 'it is not JSON' };
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return { ok: true, entry: toEntry(parsed.data), cause: parsed.data.failure.cause };
  const reason = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
  return { ok: false, reason };
};
