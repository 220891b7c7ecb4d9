import type { S3Answer, S3Requests } from './s3-requests.node.ts';

/** One page of the answer to ListObjectsV2. */
export interface KeyPage {
  readonly keys: readonly string[];
  /** Asks for the next page; undefined on the last. */
  readonly next: string | undefined;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
/** The start of an answer is enough to know it by, bytes. */
const ROOT_WITHIN = 1_024;

/** Text as it stood before XML wrote it. A reference that XML does not know stays. */
const unescapeXml = (text: string): string =>
  text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|([a-z]{2,4}));/gi, (whole, decimal, hex, name) => {
    if (typeof name === 'string') return ENTITIES[name] ?? whole;
    const point = typeof decimal === 'string' ? Number(decimal) : Number.parseInt(String(hex), 16);
    return point <= 0x10_ff_ff ? String.fromCodePoint(point) : whole;
  });

const elementIn = (xml: string, name: string): string | undefined =>
  new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];

/**
 * Reads a page of keys; undefined for what is none, such as the page of a proxy.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
 */
export const parseKeyPage = (body: Uint8Array): KeyPage | undefined => {
  const xml = Buffer.from(body).toString('utf8');
  if (!/<ListBucketResult[\s>]/.test(xml.slice(0, ROOT_WITHIN)) || !xml.includes('</ListBucketResult>'))
    return undefined;
  const keys = [...xml.matchAll(/<Contents>.*?<Key>([^<]*)<\/Key>.*?<\/Contents>/gs)].map(([, key = '']) =>
    unescapeXml(key),
  );
  const isCut = elementIn(xml, 'IsTruncated')?.trim() === 'true';
  const token = elementIn(xml, 'NextContinuationToken');
  return { keys, next: isCut && token !== undefined ? unescapeXml(token) : undefined };
};

/** Is no answer of a store; it may be another time. */
const readPage = ({ body }: S3Answer): KeyPage => {
  const page = parseKeyPage(body);
  if (page === undefined) throw new Error('the answer is no list of keys');
  return page;
};

export interface ListOptions {
  /** Default: as many as the store gives. */
  readonly keysPerPage?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Every key of a bucket that begins with a prefix, page after page. @throws TalebackError */
export const listKeys = async (
  requests: Pick<S3Requests, 'send'>,
  prefix: string,
  { keysPerPage, signal }: ListOptions = {},
): Promise<readonly string[]> => {
  const keys: string[] = [];
  const limit: Record<string, string> = keysPerPage === undefined ? {} : { 'max-keys': String(keysPerPage) };
  const asked = { method: 'GET', key: '' } as const;
  for (let next: string | undefined = ''; next !== undefined; ) {
    const token: Record<string, string> = next === '' ? {} : { 'continuation-token': next };
    const query = { 'list-type': '2', prefix, ...limit, ...token };
    const page: KeyPage = await requests.send({ ...asked, query }, readPage, signal);
    keys.push(...page.keys);
    ({ next } = page);
  }
  return keys;
};
