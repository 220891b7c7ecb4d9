import { TalebackError } from '@taleback/core/errors';
import type { ChildCall, SpeechChildEvents } from '../pool/speech-child.ts';
import {
  type Envelope,
  MAX_LINE_BYTES,
  type ChildMessage,
  PROTOCOL_VERSIONS,
  type ProtocolVersion,
  RAW_VERSION,
} from './protocol.ts';
import type { Clock } from '@taleback/resilience';
import type { PendingCalls } from './pending-calls.ts';

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

export interface EnvelopeSessionParts {
  readonly workerId: string;
  readonly clock: Clock;
  readonly calls: PendingCalls;
  readonly events: Pick<SpeechChildEvents, 'onPulse'>;
  readonly write: (line: string) => void;
}

/** Speaks 2.0 and 2.1: answers carry the correlation id of their request, so they may come in any order. */
export class EnvelopeSession {
  /** The newest until the child has chosen. */
  version: ProtocolVersion = PROTOCOL_VERSIONS[0];
  readonly #parts: EnvelopeSessionParts;
  readonly #pings = new Set<string>();
  #sentCount = 0;

  constructor(parts: EnvelopeSessionParts) {
    this.#parts = parts;
  }

  /** @throws TalebackError as `formatRequest` does; nothing was sent then. */
  speak(call: ChildCall): void {
    const { calls } = this.#parts;
    const isRaw = this.version === RAW_VERSION;
    const path = isRaw ? calls.add(call.correlationId) : calls.addWithFile(call.correlationId);
    this.#send(synthesizePayload(call, path), call);
  }

  /** Sends a request that is no call. @returns its correlation id */
  request(payload: Envelope['payload']): string {
    const correlationId = `${payload.type}-${this.#sentCount + 1}`;
    this.#send(payload, { correlationId, retryCount: 0 });
    return correlationId;
  }

  ping(): void {
    this.#pings.add(this.request({ type: 'ping' }));
  }

  /** @returns false for a message that is no answer of 2.0 or 2.1. */
  take(message: ChildMessage): boolean {
    const { calls, events } = this.#parts;
    switch (message.kind) {
      case 'audio':
        calls.answer(message.correlationId, message.sound);
        return true;
      case 'error':
        calls.fail(message.correlationId, message.error);
        return true;
      case 'pong':
        if (this.#pings.delete(message.correlationId)) events.onPulse(message.health);
        return true;
      default:
        return false;
    }
  }

  #send(payload: Envelope['payload'], call: Omit<ChildCall, 'request'>): void {
    const { clock, workerId, write } = this.#parts;
    this.#sentCount += 1;
    const line = formatRequest({
      version: this.version,
      messageId: `msg-${this.#sentCount}`,
      timestamp: Math.trunc(clock.now()),
      correlationId: call.correlationId,
      workerId,
      retryCount: call.retryCount,
      payload,
    });
    write(line);
  }
}
