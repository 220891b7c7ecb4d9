/** `20261121T170000Z` as it stands in signed addresses, in which Amazon and Google name it each after themselves. */
const BASIC_TIME = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;

/** When an address of a bucket was signed, unix milliseconds; undefined when it is none that is signed. */
export const signedAtMs = (address: string): number | undefined => {
  if (!URL.canParse(address)) return undefined;
  const { searchParams } = new URL(address);
  const time = searchParams.get('X-Amz-Date') ?? searchParams.get('X-Goog-Date') ?? '';
  if (!BASIC_TIME.test(time)) return undefined;
  const atMs = Date.parse(time.replace(BASIC_TIME, '$1-$2-$3T$4:$5:$6Z'));
  return Number.isNaN(atMs) ? undefined : atMs;
};
