import { unescape } from 'node:querystring';
import { TalebackError } from '@taleback/core';

export interface ServiceAddress {
  /** Without credentials, query and closing slash, such as `http://127.0.0.1:8880`. */
  readonly endpoint: string;
  /** What the credentials in the address say, for the header of that name. */
  readonly authorization: string | undefined;
}

/** @throws TalebackError `request_invalid` for what is no address of http or https; it does not repeat it */
export const parseServiceAddress = (baseUrl: string): ServiceAddress => {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (url === undefined || !/^https?:$/u.test(url.protocol)) {
    throw new TalebackError(
      'request_invalid',
      'The address of a speech service must begin with http:// or https://.',
    );
  }
  const userInfo = [url.username, url.password].map((part) => unescape(part)).join(':');
  return {
    endpoint: `${url.origin}${url.pathname.replace(/\/+$/u, '')}`,
    authorization: userInfo === ':' ? undefined : `Basic ${Buffer.from(userInfo).toString('base64')}`,
  };
};
