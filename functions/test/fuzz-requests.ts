import { type Agent, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { signHmac, signStandard } from '@taleback/core/signatures';
import * as fc from 'fast-check';
import { bodyOf, FUZZED_ROUTES, hostileText, wildBody } from './fuzz-bodies.ts';

/** How a fuzzed request says who sent it. */
export type Proof = 'none' | 'garbage' | 'stranger' | 'stale' | 'standard' | 'hmac';

export interface FuzzedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: Uint8Array;
  readonly proof: Proof;
}

export interface FuzzSecrets {
  readonly key: Uint8Array;
  readonly hmac: string;
}

const METHODS = ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'M-SEARCH', 'LINK'];

const paths = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.constantFrom(
      ...FUZZED_ROUTES.map((route) => `/api/tts/${route}`),
      '/callback',
      '/generate',
      '/heartbeat',
    ),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '/',
      '//',
      '//api/tts/callback',
      '/api/tts//callback',
      '/api/tts/../tts/callback',
      '/api/tts/%2e%2e/tts/callback',
      '/api/tts/%63allback',
      '/api/tts/callback%00',
      '/api/tts/callback/',
      '/api/tts/callback?story_id=s&job=j&token=t',
      '/api/tts/callback?__proto__=1',
      '/api/tts/runpod-webhook?story=s&job=j&token=x',
      '/api/tts/health',
      '/api/tts/health?x',
      '/api/tts/__proto__',
      '/api/tts/constructor',
      `/${'a'.repeat(4_000)}`,
      'http://evil.example/api/tts/callback',
    ),
  },
  { weight: 1, arbitrary: fc.webPath().map((path) => `/${path}`) },
);

/** What Node's client takes for the text of a header. */
const headerText = fc.string({
  unit: fc
    .integer({ min: 0x20, max: 0xff })
    .filter((code) => code !== 0x7f)
    .map((code) => String.fromCharCode(code)),
  maxLength: 40,
});

const contentTypes = fc.oneof(
  { weight: 10, arbitrary: fc.constant('application/json') },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      'text/plain',
      'application/json; charset=utf-16',
      'APPLICATION/JSON;',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/json, text/html',
      '',
    ),
  },
  { weight: 1, arbitrary: headerText },
);

const oddHeaders: fc.Arbitrary<Record<string, string | string[]>> = fc
  .record(
    {
      'x-forwarded-for': fc.oneof(headerText, fc.constant('1.1.1.1, 2.2.2.2'), fc.constant(','.repeat(500))),
      'x-idempotency-key': fc.oneof(headerText, fc.constant('k'.repeat(300))),
      // Bodies are not encoded: anything but identity is refused.
      'content-encoding': fc.oneof(
        { weight: 9, arbitrary: fc.constant('identity') },
        { weight: 1, arbitrary: fc.constantFrom('gzip', 'br', 'deflate', 'x') },
      ),
      'x-http-method-override': fc.constantFrom('GET', 'DELETE'),
      cookie: fc.constant('a=b; '.repeat(100)),
      upgrade: fc.constant('websocket'),
      range: fc.constant('bytes=0-'),
      'x-many': fc.array(headerText, { maxLength: 20 }),
    },
    { requiredKeys: [] },
  )
  .map((headers) => headers as Record<string, string | string[]>);

const garbageProof: fc.Arbitrary<Record<string, string | string[]>> = fc.record(
  {
    'webhook-id': headerText,
    'webhook-timestamp': fc.oneof(
      headerText,
      fc.constantFrom('NaN', '-1', '1e9', '99999999999999999999', '0x10'),
    ),
    'webhook-signature': fc.oneof(
      headerText,
      fc.constant('v1,'),
      fc.constant('v1,AAAA '.repeat(500)),
      fc.array(headerText, { minLength: 2, maxLength: 4 }),
    ),
    'x-taleback-timestamp': headerText,
    'x-taleback-signature': fc.oneof(headerText, fc.constant('0'.repeat(64)), fc.constant('0'.repeat(63))),
  },
  { requiredKeys: [] },
);

const pathOnly = (path: string): string => path.replace(/^http:\/\/[^/]+/, '').split('?')[0] ?? '';

const prove = (
  proof: Proof,
  garbage: Record<string, string | string[]>,
  { method, path, body }: { readonly method: string; readonly path: string; readonly body: Uint8Array },
  { key, hmac }: FuzzSecrets,
): Record<string, string | string[]> => {
  const nowMs = Date.now();
  const standard = (secret: Uint8Array, atMs: number): Record<string, string> =>
    signStandard({ id: `f${Math.floor(nowMs)}`, timestampSeconds: atMs / 1000, body }, [secret]);
  switch (proof) {
    case 'none':
      return {};
    case 'garbage':
      return garbage;
    case 'stranger':
      return standard(Buffer.alloc(24, 77), nowMs);
    case 'stale':
      return standard(key, nowMs - 3_600_000);
    case 'standard':
      return standard(key, nowMs);
    case 'hmac':
      return signHmac({ method, path: pathOnly(path), timestampMs: nowMs, body }, hmac, 'taleback');
    default:
      return proof satisfies never;
  }
};

/** Any request that Node's own client lets through. */
export const fuzzedRequest = (secrets: FuzzSecrets): fc.Arbitrary<FuzzedRequest> => {
  const storyIds = hostileText.map((text) => JSON.stringify(text));
  const bodies = fc.oneof(
    { weight: 3, arbitrary: wildBody },
    ...FUZZED_ROUTES.map((route) => ({
      weight: 2,
      arbitrary: bodyOf(route, fc.oneof(fc.constant('"s"'), storyIds)).map((text) => Buffer.from(text)),
    })),
  );
  const proofs = fc.constantFrom<Proof>('none', 'garbage', 'stranger', 'stale', 'standard', 'hmac');
  const methods = fc.oneof(
    { weight: 12, arbitrary: fc.constant('POST') },
    { weight: 1, arbitrary: fc.constantFrom(...METHODS) },
  );
  return fc
    .record({
      method: methods,
      path: paths,
      type: contentTypes,
      odd: oddHeaders,
      garbage: garbageProof,
      proof: proofs,
      body: bodies,
    })
    .map(({ method, path, type, odd, garbage, proof, body }) => ({
      method,
      path,
      body,
      proof,
      headers: {
        ...odd,
        ...prove(proof, garbage, { method, path, body }, secrets),
        'content-type': type,
        'content-length': String(body.byteLength),
      },
    }));
};

export interface FuzzedAnswer {
  readonly status: number;
  readonly text: string;
}

/** Sends a request as it is. A connection that the server ends without a word is status 0. */
export const sendFuzzed = (port: number, agent: Agent, fuzzed: FuzzedRequest): Promise<FuzzedAnswer> =>
  new Promise((resolve) => {
    const { method, path, headers, body } = fuzzed;
    const request = httpRequest({ host: '127.0.0.1', port, agent, method, path, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', () => resolve({ status: answer.statusCode ?? 0, text: '' }));
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
      );
    });
    request.on('upgrade', (_, socket) => socket.destroy());
    request.on('error', () => resolve({ status: 0, text: '' }));
    request.end(body);
  });

const RAW_PATIENCE_MS = 2_000;

/** Writes bytes on a connection of their own, ends it, and gives all that came back. */
export const sendRaw = (port: number, bytes: Uint8Array): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const chunks: Buffer[] = [];
    socket.setTimeout(RAW_PATIENCE_MS, () => socket.destroy());
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', () => {});
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
    socket.end(bytes);
  });
