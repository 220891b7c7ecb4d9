/** A page of the keys in a bucket. */
export interface KeyPage {
  readonly keys: readonly string[];
  /** Asks for the next page; undefined on the last. */
  readonly next: string | undefined;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
/** The start of an answer is enough to know it by, bytes. */
const ROOT_WITHIN = 1_024;

/** Text without the references of XML. One that XML does not know stays. */
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
 *
 * @example
 * import { parseKeyPage } from '@taleback/core/storage';
 * parseKeyPage(Buffer.from('<html>')); // undefined
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
