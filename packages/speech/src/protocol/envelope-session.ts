import type { Clock } from '@taleback/resilience';
import type { ChildCall, SpeechChildEvents } from '../pool/speech-child.ts';
import { formatRequest, synthesizePayload } from './format-request.ts';
import type { PendingCalls } from './pending-calls.ts';
import { type ChildMessage, type Envelope, PROTOCOL_VERSIONS, type ProtocolVersion } from './protocol.ts';
import { RAW_VERSION } from './protocol.ts';

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
