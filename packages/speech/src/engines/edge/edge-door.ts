import type { HttpAnswer } from '../remote/speech-http.ts';
import { type EdgeIdentity, socketHeaders, speechAddress } from './edge-address.ts';
import { refusedWith } from './edge-fault.ts';
import type { ConnectSocket, SpeechSocket } from './speech-socket.ts';

export interface EdgeDoorOptions {
  readonly endpoint: string;
  readonly chromiumVersion: string;
  readonly connect: ConnectSocket;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly newId: () => string;
}

const NO_BODY = new Uint8Array(0);

/**
 * The way in. Its tokens are made of the time, so a clock that is wrong is turned away with 403: then the service's own
 * `Date` tells by how much, and it is tried once more. What was learnt holds for all that follows.
 *
 * @see https://github.com/rany2/edge-tts/blob/master/src/edge_tts/drm.py
 */
export class EdgeDoor {
  readonly #options: EdgeDoorOptions;
  #skewMs = 0;

  constructor(options: EdgeDoorOptions) {
    this.#options = options;
  }

  /** The service's time as far as it is known, epoch milliseconds. */
  now(): number {
    return this.#options.now() + this.#skewMs;
  }

  identity(): EdgeIdentity {
    const { chromiumVersion, newId } = this.#options;
    return { chromiumVersion, newId, nowMs: this.now() };
  }

  /** @throws TalebackError `permission_denied` when 403 stays, what a status means, what `connect` throws. */
  async enter(signal: AbortSignal | undefined): Promise<SpeechSocket> {
    const { connect, endpoint } = this.#options;
    const opening = await this.passed(async (identity) => {
      const opened = await connect({
        url: speechAddress(endpoint, identity),
        headers: socketHeaders(identity),
        signal,
      });
      return opened.kind === 'open'
        ? { ...opened, status: 101, headers: {}, body: NO_BODY }
        : { ...opened, body: NO_BODY };
    });
    if (opening.kind === 'open') return opening.socket;
    throw refusedWith(opening, 'handshake');
  }

  /** Asks, and after a 403 asks once more with the time corrected. */
  async passed<T extends HttpAnswer>(ask: (identity: EdgeIdentity) => Promise<T>): Promise<T> {
    const first = await ask(this.identity());
    if (first.status !== 403) return first;
    const serverMs = Date.parse(first.headers['date'] ?? '');
    if (!Number.isNaN(serverMs)) this.#skewMs = serverMs - this.#options.now();
    return ask(this.identity());
  }
}
