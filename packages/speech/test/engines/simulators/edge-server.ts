import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createMp3Encoder } from 'wasm-media-encoders';
import { type WebSocket, WebSocketServer } from 'ws';
import {
  audioFrame,
  configFaults,
  entryFaults,
  parseSsmlFrame,
  type SpokenRequest,
  textFrame,
} from './edge-wire.ts';
import { spokenTones } from './spoken-tones.ts';

/** What the service does with one text, or with a handshake. */
export type EdgeMode =
  | 'ok'
  /** `turn.end` without a byte of sound. */
  | 'none'
  /** Half the sound, then the connection is lost. */
  | 'cut'
  /** Half the sound, then a polite goodbye. */
  | 'cut-politely'
  /** All the sound, but no `turn.end`. */
  | 'endless'
  | 'silent'
  /** `turn.start`, and nothing more as long as the connection lives. */
  | 'hang'
  | 'hang-handshake'
  /** 403, whatever the token. */
  | 'forbidden'
  /** 403 without a `Date`. */
  | 'forbidden-timeless'
  | 'busy'
  | 'away'
  /** The connection is lost before a frame. */
  | 'close-before'
  | 'unsupported-voice'
  | 'invalid'
  | 'internal-error'
  | 'malformed-short'
  | 'malformed-length'
  | 'malformed-path'
  | 'malformed-text'
  | 'malformed-headers'
  | 'malformed-mp3';

export interface EdgeServerOptions {
  readonly port: number;
  /** The service's clock, epoch milliseconds. Default: the system's. */
  readonly now?: () => number;
  /** Chosen for each text; handshakes and texts without one follow `script`, then `ok`. */
  readonly modeOf?: (request: SpokenRequest) => EdgeMode | undefined;
}

export interface EdgeServer {
  /** `ws://127.0.0.1:PORT/...`, as the service's own address. */
  readonly endpoint: string;
  readonly voicesUrl: string;
  /** Every handshake and its status. */
  readonly handshakes: readonly {
    readonly url: URL;
    readonly headers: IncomingHttpHeaders;
    readonly status: number;
  }[];
  /** Every text that came in frames as they must be. */
  readonly requests: readonly SpokenRequest[];
  /** What a browser would never send. */
  readonly violations: readonly string[];
  /** Connections that are open. */
  readonly connectionCount: number;
  /** The next connections are treated so, each once. */
  readonly script: (...modes: readonly EdgeMode[]) => void;
  /** Settles when the next text is there. */
  readonly nextRequest: () => Promise<SpokenRequest>;
  /** Settles when no connection is open. */
  readonly whenIdle: () => Promise<void>;
  /** Safe to call twice. */
  readonly close: () => Promise<void>;
}

const RATE_HZ = 24_000;
const FRAME_BYTES = 1_440;
const SOCKET_PATH = '/consumer/speech/synthesize/readaloud/edge/v1';
const VOICES_PATH = '/consumer/speech/synthesize/readaloud/voices/list';
const OF_HANDSHAKES: Readonly<Partial<Record<EdgeMode, readonly [number, string]>>> = {
  forbidden: [403, 'Forbidden'],
  'forbidden-timeless': [403, 'Forbidden'],
  busy: [429, 'Too Many Requests'],
  away: [503, 'Service Unavailable'],
};

const VOICES = ['zh-CN-XiaoxiaoNeural', 'sv-SE-SofieNeural', 'de-DE-ConradNeural', 'de-DE-KillianNeural'];
const voiceList = (): readonly object[] =>
  VOICES.map((id) => ({
    Name: `Microsoft Server Speech Text to Speech Voice (${id.slice(0, 5)}, ${id.slice(6)})`,
    ShortName: id,
    Gender: /Sofie|Xiao/u.test(id) ? 'Female' : 'Male',
    Locale: id.slice(0, 5),
    SuggestedCodec: 'audio-24khz-48kbitrate-mono-mp3',
    FriendlyName: `Microsoft ${id.slice(6, -6)} Online (Natural)`,
    Status: 'GA',
  }));

/** The Edge read-aloud service on a loopback port. It speaks tones, in MP3. */
export const openEdgeServer = async ({
  port,
  now = Date.now,
  modeOf,
}: EdgeServerOptions): Promise<EdgeServer> => {
  const encoder = await createMp3Encoder();
  const handshakes: EdgeServer['handshakes'][number][] = [];
  const requests: SpokenRequest[] = [];
  const violations: string[] = [];
  const scripted: EdgeMode[] = [];
  const connections = new Set<Socket>();
  const asking: ((request: SpokenRequest) => void)[] = [];
  const idling: (() => void)[] = [];

  /** Without a wait in between, so that one encoder does for all. */
  const encode = (samples: Int16Array): Uint8Array => {
    encoder.configure({ sampleRate: RATE_HZ, channels: 1, bitrate: 48 });
    const start = encoder.encode([Float32Array.from(samples, (sample) => sample / 32_768)]).slice();
    return Buffer.concat([start, encoder.finalize().slice()]);
  };

  const speak = (ws: WebSocket, mode: EdgeMode, request: SpokenRequest): void => {
    const { requestId, text, voice, speed } = request;
    const say = (path: string): void => ws.send(textFrame(requestId, path, { context: { serviceTag: 'x' } }));
    const play = (sound: Uint8Array): void => {
      for (let at = 0; at < sound.length; at += FRAME_BYTES) {
        ws.send(audioFrame(requestId, sound.subarray(at, at + FRAME_BYTES)));
      }
    };
    say('turn.start');
    say('response');
    const tones = spokenTones({ text, voice, speed, sampleRateHz: RATE_HZ });
    const sound = (): Uint8Array => encode(tones);
    const half = (): Uint8Array => sound().subarray(0, Math.ceil(tones.length / RATE_HZ) * 3_000);
    switch (mode) {
      case 'none':
        break;
      case 'cut':
        play(half());
        // What was sent is on its way before the connection is lost.
        ws.ping(undefined, undefined, () => ws.terminate());
        return;
      case 'cut-politely':
        play(half());
        ws.close(1000);
        return;
      case 'endless':
        play(sound());
        ws.close(1000);
        return;
      case 'silent':
        play(encode(new Int16Array(tones.length)));
        break;
      case 'hang':
        return;
      case 'unsupported-voice':
        return ws.close(1007, `Unsupported voice ${voice}.`);
      case 'invalid':
        return ws.close(1007, 'The request could not be processed.');
      case 'internal-error':
        return ws.close(1011, 'Internal server error');
      case 'malformed-short':
        ws.send(Buffer.of(0));
        break;
      case 'malformed-length':
        ws.send(Buffer.of(0xff, 0xff, 1, 2, 3));
        break;
      case 'malformed-path':
        ws.send(audioFrame(requestId, sound(), 'video'));
        break;
      case 'malformed-headers':
        ws.send(Buffer.concat([Buffer.of(0, 9), Buffer.from('no colon!')]));
        break;
      case 'malformed-text':
        ws.send('turn.end, but not as a frame');
        return;
      case 'malformed-mp3':
        play(Buffer.from('this is not the sound that was asked for. '.repeat(200)));
        break;
      default:
        play(sound());
        ws.send(audioFrame(requestId, new Uint8Array(0)));
    }
    say('turn.end');
  };

  const serve = (ws: WebSocket, mode: EdgeMode): void => {
    const refuse = (fault: string): void => {
      violations.push(fault);
      ws.close(1007, fault);
    };
    let frames = 0;
    ws.on('error', () => {});
    ws.on('message', (data, isBinary) => {
      frames += 1;
      const text = (data as Buffer).toString('utf8');
      if (isBinary) return refuse('a binary frame');
      if (frames === 1) {
        const [fault] = configFaults(text);
        return fault === undefined ? undefined : refuse(fault);
      }
      const request = frames === 2 ? parseSsmlFrame(text) : 'a third frame';
      if (typeof request === 'string') return refuse(request);
      requests.push(request);
      speak(ws, modeOf?.(request) ?? mode, request);
      asking.shift()?.(request);
    });
  };

  const dateOf = (mode: EdgeMode): string =>
    mode === 'forbidden-timeless' ? '' : `Date: ${new Date(now()).toUTCString()}\r\n`;

  const upgrades = new WebSocketServer({ noServer: true });
  const enter = (request: IncomingMessage, socket: Socket, head: Buffer): void => {
    const url = new URL(request.url ?? '', endpoint);
    const mode = scripted.shift() ?? 'ok';
    const note = (status: number): void => void handshakes.push({ url, headers: request.headers, status });
    const answer = (status: number, words: string): void => {
      note(status);
      const wait = status === 403 ? '' : 'Retry-After: 7\r\n';
      socket.end(
        `HTTP/1.1 ${status} ${words}\r\n${dateOf(mode)}${wait}Content-Length: 0\r\nConnection: close\r\n\r\n`,
      );
    };
    if (mode === 'hang-handshake') {
      // Read on, or the end of the connection would never be seen.
      socket.resume().once('end', () => socket.destroy());
      return note(0);
    }
    const [status, words] = OF_HANDSHAKES[mode] ?? [];
    if (status !== undefined && words !== undefined) return answer(status, words);
    if (url.pathname !== SOCKET_PATH) return answer(404, 'Not Found');
    const faults = entryFaults(url, request.headers, now());
    if (faults.length > 0) {
      // A token of another time is what a wrong clock makes; the rest no browser would send.
      violations.push(...faults.filter((fault) => fault !== 'Sec-MS-GEC'));
      return answer(403, 'Forbidden');
    }
    note(101);
    upgrades.handleUpgrade(request, socket, head, (ws) => {
      if (mode === 'close-before') ws.terminate();
      else serve(ws, mode);
    });
  };

  const server = createServer({ keepAlive: false }, (request, response) => {
    const url = new URL(request.url ?? '', endpoint);
    const mode = scripted.shift() ?? 'ok';
    const isForbidden =
      OF_HANDSHAKES[mode] !== undefined || entryFaults(url, request.headers, now()).length > 0;
    const status = url.pathname !== VOICES_PATH ? 404 : isForbidden ? (OF_HANDSHAKES[mode]?.[0] ?? 403) : 200;
    handshakes.push({ url, headers: request.headers, status });
    response.sendDate = false;
    response.writeHead(status, { 'content-type': 'application/json', date: new Date(now()).toUTCString() });
    response.end(status === 200 ? JSON.stringify(voiceList()) : '');
  });
  server.on('connection', (socket) => {
    connections.add(socket);
    socket.once('close', () => {
      connections.delete(socket);
      if (connections.size === 0) for (const settle of idling.splice(0)) settle();
    });
  });
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => {});
    enter(request, socket as Socket, head);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const endpoint = `ws://${host}${SOCKET_PATH}`;

  return {
    endpoint,
    voicesUrl: `http://${host}${VOICES_PATH}`,
    handshakes,
    requests,
    violations,
    get connectionCount() {
      return connections.size;
    },
    script: (...modes) => void scripted.push(...modes),
    nextRequest: () => new Promise((resolve) => asking.push(resolve)),
    whenIdle: () =>
      connections.size === 0 ? Promise.resolve() : new Promise((resolve) => idling.push(resolve)),
    close: async () => {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      for (const socket of connections) socket.destroy();
      await closed;
    },
  };
};
