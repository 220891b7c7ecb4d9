import { TalebackError } from '@taleback/core/errors';
import type { ChildCall } from '../pool/speech-child.ts';
import { type Envelope, MAX_LINE_BYTES } from './protocol.ts';

type RequestParts = Pick<Envelope, 'version' | 'messageId' | 'timestamp' | 'payload'> &
  NonNullable<Envelope['metadata']>;

/**
 * A request of 2.0 or 2.1 as a line.
 *
 * @throws TalebackError `text_too_long` for a line that no child would read, `request_invalid` for options that are
 * not JSON.
 * @see docs/origins.md#protocol
 */
export const formatRequest = (parts: RequestParts): string => {
  const { version, messageId, timestamp, payload, correlationId, workerId, retryCount = 0 } = parts;
  const metadata = { correlationId, workerId, retryCount };
  return toLine({ version, messageId, timestamp, type: 'request', payload, metadata });
};

/** The payload of `synthesize` in 2.0 and 2.1; undefined fields are left out. */
export const synthesizePayload = (
  { request }: Pick<ChildCall, 'request'>,
  outputPath: string | undefined,
): Envelope['payload'] => ({
  type: 'synthesize',
  text: request.text,
  voice: request.voiceId,
  speed: request.speed,
  language: request.language,
  priority: request.priority,
  options: request.engineOptions,
  output_path: outputPath,
});

/**
 * A request of 1.0 as a line. It carries `options` although the first children did not know them: ours do, and a
 * cloned voice depends on them.
 *
 * @throws TalebackError as `formatRequest` does.
 * @see docs/origins.md#protocol
 */
export const formatBareRequest = (call: Pick<ChildCall, 'request'>, outputPath: string): string =>
  toLine({ ...synthesizePayload(call, outputPath), priority: undefined });

const toLine = (message: object): string => {
  let json: string;
  try {
    json = JSON.stringify(message);
  } catch (cause) {
    throw new TalebackError('request_invalid', 'The options of the request cannot be written down.', {
      cause,
    });
  }
  // A longer line would end the child, and then every child that it is retried on.
  if (Buffer.byteLength(json) > MAX_LINE_BYTES) {
    throw new TalebackError('text_too_long', 'The text is too long to be spoken at once.', {
      details: `its line has more than ${MAX_LINE_BYTES} bytes`,
    });
  }
  return `${json}\n`;
};
