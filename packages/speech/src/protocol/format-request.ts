import { TalebackError } from '@taleback/core';
import type { ChildCall } from '../manager/index.ts';
import { MAX_LINE_BYTES } from './limits.ts';
import type { Envelope } from './messages.ts';
import type { ProtocolVersion } from './version.ts';

export interface RequestParts {
  readonly version: ProtocolVersion;
  readonly messageId: string;
  /** Unix milliseconds. */
  readonly timestamp: number;
  readonly correlationId: string;
  readonly workerId: string;
  readonly retryCount?: number;
  readonly payload: Envelope['payload'];
}

/**
 * A request of 2.0 or 2.1 as a line.
 *
 * @throws TalebackError `text_too_long` for a line that no child would read, `request_invalid` for what is no JSON.
 * @see seed 004, "Protocol version comparison"
 */
export const formatRequest = (parts: RequestParts): string => {
  const { version, messageId, timestamp, payload, correlationId, workerId, retryCount = 0 } = parts;
  const metadata = { correlationId, workerId, retryCount };
  const envelope: Envelope = { version, messageId, timestamp, type: 'request', payload, metadata };
  return toLine(envelope);
};

/** What `synthesize` says in 2.0 and 2.1; undefined fields are left out. */
export const synthesizePayload = (
  { request }: ChildCall,
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
 * A request of 1.0 as a line.
 *
 * @throws TalebackError `text_too_long` for a line that no child would read.
 * @see seed 004, "Protocol version comparison"
 */
export const formatBareRequest = ({ request }: ChildCall, outputPath: string): string =>
  toLine({
    type: 'synthesize',
    text: request.text,
    voice: request.voiceId,
    speed: request.speed,
    language: request.language,
    // Not in the seed, and ours takes it: without it a person's own voice would be somebody else's.
    options: request.engineOptions,
    output_path: outputPath,
  });

const toLine = (message: object): string => {
  let json: string;
  try {
    json = JSON.stringify(message);
  } catch (cause) {
    throw new TalebackError('request_invalid', 'The options of the request cannot be written down.', {
      cause,
    });
  }
  // A longer line would end the child, and then every child it is tried on.
  if (Buffer.byteLength(json) > MAX_LINE_BYTES) {
    throw new TalebackError('text_too_long', 'The text is too long to be spoken at once.', {
      details: `its line has more than ${MAX_LINE_BYTES} bytes`,
    });
  }
  return `${json}\n`;
};
