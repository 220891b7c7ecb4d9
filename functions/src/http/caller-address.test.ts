import { isIP } from 'node:net';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { callerAddress } from './edge.node.ts';

describe('callerAddress', () => {
  it.each([
    ['the peer, when there is no proxy', '1.1.1.1', 0, '9.9.9.9'],
    ['the last entry, for one proxy', '6.6.6.6, 1.1.1.1', 1, '1.1.1.1'],
    ['the last but one, for two', '6.6.6.6,1.1.1.1,2.2.2.2', 2, '1.1.1.1'],
    ['the peer, when the header is too short', '1.1.1.1', 2, '9.9.9.9'],
    ['the peer, when the entry is no address', '1.1.1.1, unknown', 1, '9.9.9.9'],
    ['the peer, without the header', null, 1, '9.9.9.9'],
    ['an IPv4 address in the dress of IPv6', '::ffff:1.2.3.4', 1, '1.2.3.4'],
    ['the network of an IPv6 address', '2001:db8:1:2:3:4:5:6', 1, '2001:db8:1:2'],
    ['the same network, written shorter', '2001:0DB8:1:2::6', 1, '2001:db8:1:2'],
    ['zeros that were left out', '2001:db8::1', 1, '2001:db8:0:0'],
    ['the machine itself', '::1', 1, '0:0:0:0'],
  ])('is %s', (_, header, hops, expected) => {
    expect(callerAddress(header, '9.9.9.9', hops)).toBe(expected);
  });

  it('is one for all addresses of a network, and never what a caller made up', () => {
    fc.assert(
      fc.property(fc.ipV6(), fc.string(), (address, invented) => {
        fc.pre(!/^::ffff:/i.test(address) && !address.includes('.'));
        const network = callerAddress(`${invented},${address}`, 'peer', 1);
        expect(network.split(':')).toHaveLength(4);
        expect(isIP(`${network}::`)).toBe(6);
        expect(callerAddress(`${network}::1`, 'peer', 1)).toBe(network);
      }),
    );
  });
});
