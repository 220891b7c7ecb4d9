/** Methods that no web-standard `Request` can carry. @see https://fetch.spec.whatwg.org/#forbidden-method */
const FORBIDDEN_METHODS: ReadonlySet<string> = new Set(['CONNECT', 'TRACE', 'TRACK']);

export const isForbiddenMethod = (method: string): boolean => FORBIDDEN_METHODS.has(method.toUpperCase());

/**
 * The address that a request target stands for: a path, or a whole http(s) address as proxies are sent. Only the path
 * and the query of it count. A path that an address would tidy (`..`, `\`, `#`, a space) stands for nothing, so that
 * what is routed and what was signed is always what came over the wire.
 *
 * @returns undefined for `*`, `host:port`, and everything else that is no path
 * @see https://www.rfc-editor.org/rfc/rfc9112#name-request-target
 */
export const parseTarget = (target: string): URL | undefined => {
  const path = target.startsWith('/') ? target : /^https?:\/\/[^/?#]+(\/.*)$/is.exec(target)?.[1];
  if (path === undefined) return undefined;
  const address = `http://receiver.local${path}`;
  if (!URL.canParse(address)) return undefined;
  const url = new URL(address);
  return url.pathname === path.split('?', 1)[0] ? url : undefined;
};
