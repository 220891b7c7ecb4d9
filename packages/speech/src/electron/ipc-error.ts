import { type ErrorCode, isErrorCode, type TalebackError } from '@taleback/core';

/** An error as one message, its code first. */
export const formatIpcError = ({ code, message }: TalebackError): string => `[${code}] ${message}`;

/** The code and words out of a message, whatever Electron put before it. `unknown` when it is not one of ours. */
export const parseIpcError = (text: string): { readonly code: ErrorCode; readonly message: string } => {
  const [, code, message] = /\[([a-z_]+)\] (.*)$/su.exec(text) ?? [];
  return isErrorCode(code) ? { code, message: message ?? '' } : { code: 'unknown', message: text };
};
