import {
  type HeaderLookup,
  SIGNATURE_TOLERANCE_SECONDS,
  verifyHmac,
  verifyStandard,
} from '@taleback/core/signatures';

/** What callers are checked against. */
export interface AuthenticationRules {
  readonly signatures: 'required' | 'off';
  readonly secrets: { readonly standard: readonly Uint8Array[]; readonly hmac: readonly string[] };
  readonly hmacHeaderPrefix: string;
}

/** What one scheme signed. */
export interface SignedMessage {
  /** Identifies the message. */
  readonly key: string;
  /** `webhook-id`, by which its sender identifies it; undefined with the hex HMAC. */
  readonly id: string | undefined;
}

export type Caller =
  | {
      readonly ok: true;
      /** One for each scheme with a valid signature: either could be sent again without the other. */
      readonly messages: readonly SignedMessage[];
    }
  | { readonly ok: false; readonly reason: 'unsigned' | 'malformed' | 'stale' | 'forged' };

/**
 * Checks that the sender of a request knows a secret. Each scheme whose headers are present hashes the raw body with all
 * of its secrets, so that the time taken does not reveal what was wrong. With signatures off every caller is accepted.
 */
export const authenticate = (
  request: { readonly method: string; readonly path: string; readonly headers: HeaderLookup },
  body: Uint8Array,
  rules: AuthenticationRules,
  nowMs: number,
): Caller => {
  if (rules.signatures === 'off') return { ok: true, messages: [] };
  const standard = verifyStandard(request.headers, body, rules.secrets.standard, nowMs);
  const hmac = verifyHmac(request, body, rules.secrets.hmac, rules.hmacHeaderPrefix, nowMs);
  if (standard.ok || hmac.ok) {
    const verified = [standard, hmac].filter((one) => one.ok);
    return { ok: true, messages: verified.map(({ key, messageId: id }) => ({ key, id })) };
  }
  return standard.reason === 'unsigned' ? hmac : standard;
};

export type ReplayMemory = ReturnType<typeof createReplayMemory>;

/** A signature may be dated ahead of our clock by the tolerance, and is valid until the tolerance after its date. */
const HELD_MS = 2 * SIGNATURE_TOLERANCE_SECONDS * 1000;

/** Messages remembered: ten minutes at 30 a second, in about 3 MB. Past that the oldest are forgotten. */
const MAX_MESSAGES = 20_000;

/**
 * Remembers the signed messages of this process for as long as their signatures are valid. The state machine already
 * makes one change of one message, also across processes; this memory keeps a recorded message without a job id from
 * being applied to a later attempt.
 *
 * @param now unix milliseconds
 */
export const createReplayMemory = (now: () => number, maxMessages = MAX_MESSAGES) => {
  /** In order of arrival, which is the order in which they are forgotten. */
  const forgottenAt = new Map<string, number>();
  const forgetOld = (): void => {
    for (const [key, atMs] of forgottenAt) {
      if (forgottenAt.size < maxMessages && atMs > now()) return;
      forgottenAt.delete(key);
    }
  };
  return {
    has: (...keys: readonly string[]): boolean => keys.some((key) => (forgottenAt.get(key) ?? 0) > now()),
    /** Call it once a message is processed: one that failed must be processed when it is sent again. */
    add: (...keys: readonly string[]): void => {
      for (const key of keys) {
        if (forgottenAt.has(key)) continue;
        forgetOld();
        forgottenAt.set(key, now() + HELD_MS);
      }
    },
  };
};
