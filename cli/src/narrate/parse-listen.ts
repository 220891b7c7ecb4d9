import { UsageError } from '../exit-code.ts';

/** Where callbacks are heard. */
export interface ListenAddress {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
}

/** @throws UsageError when it is not HOST:PORT */
export const parseListen = (text: string): ListenAddress => {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host === undefined || !(port <= 65_535))
    throw new UsageError(`--listen ${text}: must be HOST:PORT, such as 127.0.0.1:0`);
  return { host, port };
};
