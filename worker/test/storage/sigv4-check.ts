import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** A request as it came in. */
export interface SignedRequest {
  readonly method: string;
  /** Path and query, as they stand in the request line. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
}

export interface AccessKey {
  readonly id: string;
  readonly secret: string;
}

export type Verdict = { readonly ok: true } | { readonly ok: false; readonly code: string };

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

const encode = (text: string): string =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`,
  );

const canonicalPath = (path: string): string =>
  path
    .split('/')
    .map((part) => encode(decodeURIComponent(part)))
    .join('/');

const canonicalQuery = (query: URLSearchParams): string =>
  [...query]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&');

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(.+), SignedHeaders=([^,]+), Signature=([\da-f]{64})$/;

/**
 * Whether a request is signed as S3 wants it, from the specification and not from the signer's code: Signature Version 4, in a
 * header or in the address.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
 */
export const checkSignature = (
  { method, target, headers }: SignedRequest,
  { id, secret }: AccessKey,
  nowMs: number,
): Verdict => {
  const [path = '/', search = ''] = target.split('?');
  const query = new URLSearchParams(search);
  const inAddress = query.get('X-Amz-Credential');
  const header = AUTHORIZATION.exec(headers.authorization ?? '');
  if (inAddress === null && header === null) return { ok: false, code: 'AccessDenied' };
  const [keyId, ...scopeParts] = inAddress?.split('/') ?? [header?.[1], ...(header?.[2] ?? '').split('/')];
  const scope = scopeParts.join('/');
  const signedHeaders = query.get('X-Amz-SignedHeaders') ?? header?.[3] ?? '';
  const signature = query.get('X-Amz-Signature') ?? header?.[4] ?? '';
  const date = query.get('X-Amz-Date') ?? String(headers['x-amz-date']);
  if (keyId !== id) return { ok: false, code: 'InvalidAccessKeyId' };
  const atMs = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  const expires = query.get('X-Amz-Expires');
  if (expires !== null && (Number(expires) > 604_800 || nowMs > atMs + Number(expires) * 1_000))
    return { ok: false, code: 'AccessDenied' };
  if (expires === null && Math.abs(nowMs - atMs) > 900_000)
    return { ok: false, code: 'RequestTimeTooSkewed' };

  const names = signedHeaders.split(';');
  const mustBeSigned = ['host', ...Object.keys(headers).filter((name) => name.startsWith('x-amz-'))];
  if (!mustBeSigned.every((name) => names.includes(name))) return { ok: false, code: 'AccessDenied' };
  const canonical = [
    method,
    canonicalPath(path),
    canonicalQuery(query),
    ...names.map(
      (name) =>
        `${name}:${String(headers[name] ?? '')
          .trim()
          .replace(/\s+/g, ' ')}`,
    ),
    '',
    signedHeaders,
    inAddress === null ? String(headers['x-amz-content-sha256']) : 'UNSIGNED-PAYLOAD',
  ].join('\n');
  const [day = '', region = '', service = ''] = scopeParts;
  const key = [region, service, 'aws4_request'].reduce(hmac, hmac(`AWS4${secret}`, day));
  const wanted = hmac(key, ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n'));
  const given = Buffer.from(signature, 'hex');
  const isRight = service === 's3' && given.length === wanted.length && timingSafeEqual(given, wanted);
  return isRight ? { ok: true } : { ok: false, code: 'SignatureDoesNotMatch' };
};
