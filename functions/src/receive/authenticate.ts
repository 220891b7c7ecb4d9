import { type Verification, verifyHmac, verifyStandard } from '@taleback/core/signatures';

/** What a caller is checked against; the functions' configuration fits it. */
export interface AuthenticationRules {
  readonly signatures: 'required' | 'off';
  readonly secrets: { readonly standard: readonly Uint8Array[]; readonly hmac: readonly string[] };
  readonly hmacHeaderPrefix: string;
}

/**
 * Decides whether a request comes from someone who knows a secret. Both schemes are tried over the raw body;
 * with signatures off, everyone is believed.
 */
export const authenticate = (
  request: Request,
  body: Uint8Array,
  rules: AuthenticationRules,
  nowMs: number,
): Verification | { readonly ok: true; readonly scheme: 'off' } => {
  if (rules.signatures === 'off') return { ok: true, scheme: 'off' };
  const standard = verifyStandard(request.headers, body, rules.secrets.standard, nowMs);
  if (standard.ok || rules.secrets.hmac.length === 0) return standard;
  const { pathname } = new URL(request.url);
  const signed = { method: request.method, path: pathname, headers: request.headers };
  const hmac = verifyHmac(signed, body, rules.secrets.hmac, rules.hmacHeaderPrefix, nowMs);
  return hmac.ok || standard.reason === 'unsigned' ? hmac : standard;
};
