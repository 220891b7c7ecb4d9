import { isTalebackError } from '@taleback/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type OpenSpeechHttp,
  openSpeechHttp,
  type SpeechHttp,
} from '../../src/engines/remote/speech-http.node.ts';
import type { RemoteEngine } from '../../src/engines/engine.ts';
import { type HttpSimulator, jsonAnswer, pageAnswer, type Scripted } from './simulators/http-simulator.ts';

export interface FaultySetting {
  readonly openServer: () => Promise<HttpSimulator>;
  readonly createEngine: (options: { baseUrl: string; http: SpeechHttp; apiKey?: string }) => RemoteEngine;
  /** Where texts are sent. */
  readonly speechPath: string;
  /** Where the probe asks first. */
  readonly probePath: string;
  /** Silence as the service would send it. */
  readonly silence: Uint8Array;
}

const KEY = 'k-1234567890abcdef';
const TEXT = 'Hello there.';

const sound = (body: Uint8Array | string, type = 'audio/wav'): Scripted => ({
  status: 200,
  headers: { 'content-type': type },
  body,
});

const inSevenSeconds = (): Record<string, string> => ({
  date: 'Wed, 21 Oct 2026 07:28:00 GMT',
  'retry-after': 'Wed, 21 Oct 2026 07:28:07 GMT',
});

/** What a promise rejects with; what it resolves to would be a surprise that no expectation meets. */
export const thrownBy = (promise: Promise<unknown>): Promise<unknown> =>
  promise.catch((thrown: unknown) => thrown);

/** The faults that every service across HTTP can have, each in the way of that service. */
export const describeServiceFaults = (name: string, setting: FaultySetting): void => {
  describe(`faults of ${name}`, { timeout: 30_000 }, () => {
    let server: HttpSimulator;
    let client: OpenSpeechHttp;
    let engine: RemoteEngine;
    const speak = (signal?: AbortSignal) =>
      engine.synthesizeChunk({ text: TEXT, voiceId: engine.voices()[0]?.id ?? '' }, { signal });

    beforeAll(async () => {
      server = await setting.openServer();
      client = openSpeechHttp();
      engine = setting.createEngine({ baseUrl: server.baseUrl, http: client.http, apiKey: KEY });
      await engine.probe(AbortSignal.timeout(30_000));
    });
    afterAll(async () => {
      await client.close();
      await server.close();
    });

    test.each<[string, Scripted, Readonly<Record<string, unknown>>]>([
      ['no answer', 'reset', { code: 'network_unreachable' }],
      ['half an answer', 'cut', { code: 'audio_missing' }],
      ['a wrong key', jsonAnswer(401, { detail: `no key ${KEY}` }), { code: 'credentials_invalid' }],
      ['no money', jsonAnswer(402, { detail: 'pay' }), { code: 'provider_quota_exceeded' }],
      ['no right', jsonAnswer(403, { detail: 'not you' }), { code: 'permission_denied' }],
      ['a wrong address', pageAnswer(404, 'Not Found'), { code: 'provider_rejected', retryable: false }],
      ['a slow reader', pageAnswer(408, 'Request Timeout'), { code: 'timed_out' }],
      ['too much', pageAnswer(413, 'Request Entity Too Large'), { code: 'text_too_long' }],
      [
        'strange fields',
        jsonAnswer(422, { detail: [{ loc: ['body', 'x'], msg: 'odd' }] }),
        {
          code: 'provider_rejected',
          details: `${name} answered 422 (body.x: odd)`,
        },
      ],
      [
        'too often',
        jsonAnswer(429, { detail: 'slow down' }, { 'retry-after': '7' }),
        {
          code: 'provider_rate_limited',
          retryAfterMs: 7_000,
        },
      ],
      [
        'too often until a date',
        pageAnswer(429, 'Slow down', inSevenSeconds()),
        {
          code: 'provider_rate_limited',
          retryAfterMs: 7_000,
        },
      ],
      ['too often', pageAnswer(429, 'Slow down'), { code: 'provider_rate_limited', retryAfterMs: undefined }],
      [
        'a failure on a page',
        pageAnswer(500, 'Internal Server Error'),
        {
          code: 'model_failed',
          retryable: true,
          details: `${name} answered 500 (Internal Server Error)`,
        },
      ],
      ['no memory', jsonAnswer(500, { detail: 'CUDA out of memory. Tried' }), { code: 'gpu_out_of_memory' }],
      [
        'a proxy alone',
        pageAnswer(502, '502 Bad Gateway'),
        { code: 'provider_unavailable', retryable: true },
      ],
      [
        'a restart',
        pageAnswer(503, 'Unavailable', { 'retry-after': '3' }),
        {
          code: 'provider_unavailable',
          retryAfterMs: 3_000,
        },
      ],
      ['a slow one behind a proxy', pageAnswer(504, 'Gateway Time-out'), { code: 'provider_unavailable' }],
      [
        'a redirect',
        pageAnswer(302, 'Found', { location: 'https://elsewhere.example/' }),
        {
          code: 'provider_rejected',
          retryable: false,
        },
      ],
      ['a sign-in page', pageAnswer(200, 'Sign in'), { code: 'provider_unavailable' }],
      ['JSON', jsonAnswer(200, { audio: 'none' }), { code: 'provider_unavailable' }],
      ['nothing, with success', sound(''), { code: 'audio_missing' }],
      ['silence', sound(setting.silence), { code: 'audio_silent' }],
    ])('%s', async (_name, treatment, expected) => {
      server.script(setting.speechPath, treatment);
      const error = await thrownBy(speak());
      expect(error).toMatchObject(expected);
      // Nothing that is logged of an error holds the key.
      if (!isTalebackError(error)) throw error;
      expect(`${error.message} ${error.details ?? ''} ${error.stack ?? ''}`).not.toContain(KEY);
    });

    test('the next text is spoken after all that', async () => {
      expect((await speak()).samples.length).toBeGreaterThan(0);
    });

    test('the key is sent along', async () => {
      await speak();
      expect(server.callsTo(setting.speechPath).at(-1)?.headers['authorization']).toBe(`Bearer ${KEY}`);
    });

    test('a request that is cancelled ends at the service too', async () => {
      server.script(setting.speechPath, 'hang');
      const before = server.abandoned;
      const controller = new AbortController();
      const spoken = speak(controller.signal);
      const refused = thrownBy(spoken);
      await server.until(({ inFlight }) => inFlight === 1);
      controller.abort();
      expect(await refused).toMatchObject({ code: 'job_cancelled' });
      await server.until(({ abandoned }) => abandoned === before + 1);
    });

    test('a request that takes too long is a time-out', async () => {
      server.script(setting.speechPath, 'hang');
      const controller = new AbortController();
      const refused = thrownBy(speak(controller.signal));
      await server.until(({ inFlight }) => inFlight === 1);
      controller.abort(new DOMException('late', 'TimeoutError'));
      expect(await refused).toMatchObject({ code: 'timed_out' });
      await server.until(({ inFlight }) => inFlight === 0);
    });

    test.each<[string, Scripted, string]>([
      ['no answer', 'reset', 'network_unreachable'],
      ['a failure', pageAnswer(500, 'Internal Server Error'), 'model_failed'],
      ['a proxy alone', pageAnswer(503, 'Unavailable'), 'provider_unavailable'],
      ['something else', pageAnswer(200, 'Welcome to nginx!'), 'provider_unavailable'],
      ['a wrong key', jsonAnswer(401, { detail: 'who?' }), 'credentials_invalid'],
    ])('the probe finds %s', async (_name, treatment, code) => {
      server.script(setting.probePath, treatment);
      const voices = engine.voices();
      await expect(engine.probe(AbortSignal.timeout(30_000))).rejects.toMatchObject({ code });
      expect(engine.voices()).toEqual(voices);
    });

    test('the probe can be cancelled', async () => {
      server.script(setting.probePath, 'hang');
      const controller = new AbortController();
      const refused = thrownBy(engine.probe(controller.signal));
      await server.until(({ inFlight }) => inFlight === 1);
      controller.abort();
      expect(await refused).toMatchObject({ code: 'job_cancelled' });
    });

    test('nobody listens, and nobody has the name', async () => {
      const gone = await setting.openServer();
      await gone.close();
      for (const [baseUrl, code] of [
        [gone.baseUrl, 'network_unreachable'],
        ['http://nobody.invalid', 'dns_failed'],
      ] as const) {
        const away = setting.createEngine({ baseUrl, http: client.http });
        await expect(away.probe(AbortSignal.timeout(30_000))).rejects.toMatchObject({ code });
      }
    });

    test('an address with a path, a slash and a password', () => {
      const { endpoint } = setting.createEngine({
        baseUrl: 'https://me:pass@host.example/speech/',
        http: client.http,
      });
      expect(endpoint).toBe('https://host.example/speech');
    });
  });
};
