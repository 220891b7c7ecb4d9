import { BlockList, isIPv4, isIPv6 } from 'node:net';

/** @see https://www.iana.org/assignments/iana-ipv4-special-registry */
const SPECIAL_IPV4 = [
  ['0.0.0.0', 8], // this network
  ['10.0.0.0', 8],
  ['100.64.0.0', 10], // carrier-grade NAT
  ['127.0.0.0', 8],
  ['169.254.0.0', 16], // link-local, with the metadata service of every cloud
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24], // documentation, as the two below
  ['192.88.99.0', 24], // 6to4 relays
  ['192.168.0.0', 16],
  ['198.18.0.0', 15], // benchmarks
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4], // multicast
  ['240.0.0.0', 4], // reserved, and broadcast
] as const;

/** An IPv4 address within an IPv6 one: written as such, or reached through a translator (NAT64). */
const EMBEDDING = ['::ffff:', '64:ff9b::'] as const;
const EMBEDDING_BITS = 96;

/** Of what is global in IPv6, what leads elsewhere. @see https://www.iana.org/assignments/iana-ipv6-special-registry */
const SPECIAL_IPV6 = [
  ['2001::', 23], // Teredo and other protocols
  ['2001:db8::', 32], // documentation
  ['2002::', 16], // 6to4, which holds any IPv4 address
  ['3fff::', 20], // documentation
] as const;

const special = new BlockList();
for (const [network, bits] of SPECIAL_IPV4) {
  special.addSubnet(network, bits, 'ipv4');
  for (const prefix of EMBEDDING) special.addSubnet(`${prefix}${network}`, EMBEDDING_BITS + bits, 'ipv6');
}
for (const [network, bits] of SPECIAL_IPV6) special.addSubnet(network, bits, 'ipv6');

const globalIpv6 = new BlockList();
globalIpv6.addSubnet('2000::', 3, 'ipv6');
for (const prefix of EMBEDDING) globalIpv6.addSubnet(`${prefix}0.0.0.0`, EMBEDDING_BITS, 'ipv6');

/**
 * Whether an IP address, as text and without brackets, belongs to the public internet. Anything else is false.
 *
 * @example
 * console.log(isPublicAddress('8.8.8.8'), isPublicAddress('169.254.169.254')); // true false
 */
export const isPublicAddress = (address: string): boolean => {
  if (isIPv4(address)) return !special.check(address, 'ipv4');
  if (!isIPv6(address) || address.includes('%')) return false;
  return globalIpv6.check(address, 'ipv6') && !special.check(address, 'ipv6');
};
