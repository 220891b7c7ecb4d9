import { isIP } from 'node:net';
import { TalebackError } from '@taleback/core';

/** A place that is diagnosed, without credentials, path and query. */
export interface DiagnosisTarget {
  /** A name or an address, without brackets. */
  readonly host: string;
  readonly port: number;
  /** Whether the connection is made over TLS. */
  readonly secure: boolean;
  /** False for an address, which no DNS has to know. */
  readonly isName: boolean;
  /** For people, such as `https://tts.example.com:8443`. */
  readonly label: string;
}

const PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'ws:': 80, 'https:': 443, 'wss:': 443 };

/**
 * The place that an address names. What else stands in it may be secret and is dropped.
 *
 * @throws TalebackError `request_invalid` unless it is http, https, ws or wss; the address is not repeated
 */
export const parseTarget = (address: string): DiagnosisTarget => {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const standard = url === undefined ? undefined : PORTS[url.protocol];
  if (url === undefined || standard === undefined) {
    throw new TalebackError('request_invalid', 'The address is not http, https, ws or wss.');
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return {
    host,
    port: url.port === '' ? standard : Number(url.port),
    secure: standard === 443,
    isName: isIP(host) === 0,
    label: `${url.protocol}//${url.host}`,
  };
};
