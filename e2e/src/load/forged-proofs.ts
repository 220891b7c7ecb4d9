import { signHmac, signStandard } from '@taleback/core/signatures';

export interface Forged {
  readonly path: string;
  readonly body: Buffer;
  /** Accepted secrets of both schemes, which a forger may have seen used but does not know. */
  readonly standard: Uint8Array;
  readonly hmac: string;
  /** One that is not accepted. */
  readonly strangers: Uint8Array;
  readonly prefix: string;
}

const signed = (secret: Uint8Array, body: Buffer, timestampSeconds = Date.now() / 1000) =>
  signStandard({ id: 'f', timestampSeconds, body }, [secret]);

/** Headers by which a message seems to be signed and is not: each has to be answered 401. Each is made when it is sent. */
export const forgedProofs = ({
  path,
  body,
  standard,
  hmac,
  strangers,
  prefix,
}: Forged): readonly (() => Record<string, string>)[] => {
  const other = Buffer.from('{}');
  const hexed = (secret: string, of: { path?: string; body?: Buffer; timestampMs?: number } = {}) =>
    signHmac({ method: 'POST', path, body, timestampMs: Date.now(), ...of }, secret, prefix);
  return [
    () => ({}),
    () => signed(strangers, body),
    () => signed(standard, body, 1),
    () => signed(standard, other),
    () => ({ ...signed(standard, body), 'webhook-id': 'another' }),
    () => ({ ...signed(standard, body), 'webhook-signature': 'v1,' }),
    () => hexed('guess'),
    () => hexed(hmac, { path: '/api/tts/another' }),
    () => hexed(hmac, { body: other }),
    () => hexed(hmac, { timestampMs: Date.now() - 3_600_000 }),
    () => ({ ...hexed(hmac), [`x-${prefix}-timestamp`]: String(Date.now() + 1) }),
  ];
};
