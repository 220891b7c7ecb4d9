import { isIP } from 'node:net';

/** The first 64 bits of an IPv6 address: what one household or one machine is given to call from. */
const networkOf = (address: string): string => {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (isIP(address) !== 6) return address;
  const [left = '', right] = address.toLowerCase().split('%', 1).join('').split('::');
  const groups = left === '' ? [] : left.split(':');
  const missing = right === undefined ? 0 : 8 - groups.length - (right === '' ? 0 : right.split(':').length);
  const all = [...groups, ...Array<string>(Math.max(0, missing)).fill('0'), ...(right ?? '').split(':')];
  return all
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':');
};

/**
 * Who calls, for rate limits. Every proxy on the way appends the address it was called from to `X-Forwarded-For`, and
 * a caller may have written anything before that: only the entries of our own proxies, the last ones, are believed.
 *
 * @param trustedHops proxies of ours in front, 0 for none
 * @returns an IPv4 address, or the network of an IPv6 address; the peer's where the header does not reach that far
 */
export const callerAddress = (
  forwardedFor: string | undefined,
  peer: string | undefined,
  trustedHops: number,
): string => {
  const entries = (forwardedFor ?? '').split(',');
  const told = trustedHops === 0 ? undefined : entries.at(-trustedHops)?.trim();
  return networkOf(told !== undefined && isIP(told) !== 0 ? told : (peer ?? ''));
};
