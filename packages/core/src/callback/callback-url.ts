import { TalebackError } from '../errors/taleback-error.ts';

const ERROR_SEGMENT = 'error-callback';

const withLastSegment = (path: string, segment: string): string =>
  path.slice(0, path.lastIndexOf('/') + 1) + segment;

/** A loop, because the pattern of trailing slashes takes quadratic time on a path of many slashes. */
const withoutTrailingSlashes = (path: string): string => {
  let end = path.length;
  while (path[end - 1] === '/') end -= 1;
  return path.slice(0, end);
};

const errorPath = (path: string): string => {
  const trimmed = withoutTrailingSlashes(path);
  if (path.includes('/api/tts/error-callback') || trimmed.endsWith('/error-callback')) return path;
  if (path.includes('/api/tts/callback'))
    return path.replaceAll('/api/tts/callback', '/api/tts/error-callback');
  if (path.includes('/api/tts/')) return withLastSegment(path, ERROR_SEGMENT);
  if (trimmed.endsWith('/callback')) return withLastSegment(trimmed, ERROR_SEGMENT);
  return `${trimmed}/${ERROR_SEGMENT}`;
};

/**
 * Derives the address of error callbacks from that of success callbacks. Only the path changes: origin, query,
 * fragment and letter case stay. Deriving from an error-callback address gives that same address.
 *
 * @throws TalebackError `request_invalid` when the address is not http or https.
 * @see docs/origins.md#error-callback-url
 *
 * @example
 * deriveErrorCallbackUrl('https://a.example/api/tts/callback'); // 'https://a.example/api/tts/error-callback'
 */
export const deriveErrorCallbackUrl = (callbackUrl: string): string => {
  const url = URL.parse(callbackUrl);
  if (url === null)
    throw new TalebackError('request_invalid', `callback_url: "${callbackUrl}" is not an address`);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new TalebackError('request_invalid', `callback_url: must be http or https, not ${url.protocol}`);
  url.pathname = errorPath(url.pathname);
  return url.href;
};

/**
 * Derives the address of progress reports: the error-callback address with its last word changed.
 *
 * @example
 * deriveProgressUrl('https://a.example/api/tts/callback'); // 'https://a.example/api/tts/progress'
 */
export const deriveProgressUrl = (callbackUrl: string): string => {
  const url = new URL(deriveErrorCallbackUrl(callbackUrl));
  const start = url.pathname.lastIndexOf(ERROR_SEGMENT);
  url.pathname = `${url.pathname.slice(0, start)}progress${url.pathname.slice(start + ERROR_SEGMENT.length)}`;
  return url.href;
};
