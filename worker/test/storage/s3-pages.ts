import type S3rver from 's3rver';
import type { Answered, Arrived } from './fault-proxy.ts';

const escapeXml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** Opaque, and with the characters that an address has to encode. */
const tokenOf = (key: string): string => `1/+=&${Buffer.from(key).toString('base64')}`;
const keyOf = (token: string): string => Buffer.from(token.slice(5), 'base64').toString('utf8');

/**
 * The answer to ListObjectsV2 when it is asked for in pages, whose tokens the server encrypts as OpenSSL 3 no longer can;
 * undefined for any other request.
 */
export const listPage = async (
  { method, target }: Arrived,
  bucket: string,
  store: S3rver['store'],
): Promise<Answered | undefined> => {
  const { pathname, searchParams } = new URL(target, 'http://s3.local');
  const size = Number(searchParams.get('max-keys') ?? Number.NaN);
  const isPage = method === 'GET' && searchParams.get('list-type') === '2' && !Number.isNaN(size);
  if (!isPage || pathname !== `/${bucket}/`) return undefined;
  const { objects, isTruncated } = await store.listObjects(bucket, {
    prefix: searchParams.get('prefix') ?? '',
    startAfter: keyOf(searchParams.get('continuation-token') ?? ''),
    maxKeys: size,
  });
  const last = objects.at(-1)?.key ?? '';
  const next = isTruncated
    ? `<NextContinuationToken>${escapeXml(tokenOf(last))}</NextContinuationToken>`
    : '';
  const contents = objects.map(({ key }) => `<Contents><Key>${escapeXml(key)}</Key></Contents>`).join('');
  const body = `<ListBucketResult><IsTruncated>${isTruncated}</IsTruncated>${next}${contents}</ListBucketResult>`;
  return { status: 200, headers: { 'content-type': 'application/xml' }, body: Buffer.from(body) };
};
