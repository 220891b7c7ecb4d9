import { AddressRefusedError, type Post } from '@taleback/outbox';
import { type Clock, retry, tryWithDeadline } from '@taleback/resilience';
import { errorText, type RunpodLog } from '../log.ts';

/** Two more tries, ten seconds apart. @see docs.runpod.io, "webhook notifications" */
const RETRY_DELAYS_MS: readonly number[] = [10_000, 10_000];
const TIMEOUT_MS = 10_000;

export interface WebhookParts {
  readonly post: Post;
  /** Waits before the second try, the third, and so on. Default twice 10 s. */
  readonly delaysMs?: readonly number[] | undefined;
  readonly clock: Clock;
  readonly log: RunpodLog;
  /** Ends tries and waits. */
  readonly signal: AbortSignal;
}

/** Posts what became of a job. Only 200 counts as received. Never rejects. */
export const deliverWebhook = async (
  url: string,
  body: Readonly<Record<string, unknown>>,
  { post, delaysMs = RETRY_DELAYS_MS, clock, log, signal }: WebhookParts,
): Promise<void> => {
  const bytes = Buffer.from(JSON.stringify(body));
  const send = (limited: AbortSignal) => post(url, { 'content-type': 'application/json' }, bytes, limited);
  const tryOnce = async (): Promise<void> => {
    const asked = await tryWithDeadline(send, TIMEOUT_MS, { signal, clock });
    if (asked.kind !== 'completed') throw new Error(`no answer: ${asked.kind}`);
    if (asked.value.status !== 200) throw new Error(`answered ${asked.value.status}`);
  };
  const outcome = await retry(tryOnce, {
    maxAttempts: delaysMs.length + 1,
    backoff: { kind: 'schedule', delaysMs: delaysMs.length === 0 ? [0] : delaysMs, jitter: 'none' },
    classify: (error) => ({ retryable: !(error instanceof AddressRefusedError) }),
    clock,
    signal,
  });
  if (outcome.kind === 'succeeded') return;
  const { attempts, lastError } = outcome;
  const { origin, pathname } = new URL(url); // without its query, which may hold a token
  log('warn', 'webhook not delivered', {
    url: `${origin}${pathname}`,
    attempts,
    reason: errorText(lastError),
  });
};
