import { serviceToken, TRUSTED_CLIENT_TOKEN } from './service-token.ts';

/**
 * The browser that we are taken for. The service turns old ones away with 403 after some months, so it can be set.
 *
 * @see https://github.com/rany2/edge-tts/issues/458
 */
export const DEFAULT_CHROMIUM_VERSION = '143.0.3650.75';

/** The read-aloud extension that is part of every Edge. */
const EXTENSION_ORIGIN = 'chrome-extension://jdiccldimpdaibmpdkjnbmckianbfold';

export interface EdgeIdentity {
  /** Such as 143.0.3650.75. */
  readonly chromiumVersion: string;
  /** The service's time, epoch milliseconds. */
  readonly nowMs: number;
  /** 32 hex digits, new on each call. */
  readonly newId: () => string;
}

const major = (chromiumVersion: string): string => chromiumVersion.split('.')[0] ?? '';

const withToken = (address: string, tokenName: string, identity: EdgeIdentity): URL => {
  const url = new URL(address);
  url.searchParams.set(tokenName, TRUSTED_CLIENT_TOKEN);
  url.searchParams.set('Sec-MS-GEC', serviceToken(identity.nowMs));
  url.searchParams.set('Sec-MS-GEC-Version', `1-${identity.chromiumVersion}`);
  return url;
};

/** Where one text is spoken. */
export const speechAddress = (endpoint: string, identity: EdgeIdentity): string => {
  const url = withToken(endpoint, 'TrustedClientToken', identity);
  url.searchParams.set('ConnectionId', identity.newId());
  return url.href;
};

/** Where the voices are told. */
export const voicesAddress = (voicesUrl: string, identity: EdgeIdentity): string =>
  withToken(voicesUrl, 'trustedclienttoken', identity).href;

/** What the service wants to see of a browser. */
export const browserHeaders = ({
  chromiumVersion,
  newId,
}: EdgeIdentity): Readonly<Record<string, string>> => ({
  'User-Agent':
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) ' +
    `Chrome/${major(chromiumVersion)}.0.0.0 Safari/537.36 Edg/${major(chromiumVersion)}.0.0.0`,
  'Accept-Language': 'en-US,en;q=0.9',
  Cookie: `muid=${newId().toUpperCase()};`,
});

export const socketHeaders = (identity: EdgeIdentity): Readonly<Record<string, string>> => ({
  ...browserHeaders(identity),
  Origin: EXTENSION_ORIGIN,
  Pragma: 'no-cache',
  'Cache-Control': 'no-cache',
});
