import { createHash } from 'node:crypto';
import { verifyHmac, verifyStandard } from '@taleback/core/signatures';

/** What a caller is checked against; the functions' configuration fits it. */
export interface AuthenticationRules {
  readonly signatures: 'required' | 'off';
  readonly secrets: { readonly standard: readonly Uint8Array[]; readonly hmac: readonly string[] };
  readonly hmacHeaderPrefix: string;
}

export type Caller =
  | {
      readonly ok: true;
      readonly scheme: 'standard-webhooks' | 'hmac' | 'off';
      /** The same for the same signed message and no other; undefined when nothing was signed. */
      readonly messageKey: string | undefined;
    }
  | { readonly ok: false; readonly reason: 'unsigned' | 'malformed' | 'stale' | 'forged' };

const digest = (words: readonly (string | null)[], body: Uint8Array): string =>
  createHash('sha256')
    .update(`${JSON.stringify(words)}\n`)
    .update(body)
    .digest('base64');

/**
 * Decides whether a request comes from someone who knows a secret. Both schemes are always tried over the raw body,
 * so that the time taken says nothing of what was wrong; with signatures off, everyone is believed.
 */
export const authenticate = (
  request: Request,
  body: Uint8Array,
  rules: AuthenticationRules,
  nowMs: number,
): Caller => {
  if (rules.signatures === 'off') return { ok: true, scheme: 'off', messageKey: undefined };
  const { method, headers } = request;
  const { pathname: path } = new URL(request.url);
  const prefix = rules.hmacHeaderPrefix;
  const standard = verifyStandard(headers, body, rules.secrets.standard, nowMs);
  const hmac = verifyHmac({ method, path, headers }, body, rules.secrets.hmac, prefix, nowMs);
  if (standard.ok) {
    const signed = ['standard-webhooks', headers.get('webhook-id'), headers.get('webhook-timestamp'), path];
    return { ok: true, scheme: 'standard-webhooks', messageKey: digest(signed, body) };
  }
  if (hmac.ok) {
    const signed = ['hmac', headers.get(`x-${prefix}-timestamp`), method, path];
    return { ok: true, scheme: 'hmac', messageKey: digest(signed, body) };
  }
  return standard.reason === 'unsigned' ? hmac : standard;
};
