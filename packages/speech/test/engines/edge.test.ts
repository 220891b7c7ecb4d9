import { createFakeClock } from '@taleback/resilience/testing';
import { afterEach, describe, expect, test } from 'vitest';
import { openSpeechHttp } from '../../src/engines/remote/speech-http.node.ts';
import { durationMsOf, verifySound } from '../../src/audio/pcm.ts';
import { createEdgeEngine, type EdgeEngineOptions } from '../../src/engines/edge/edge-engine.ts';
import { EDGE_VOICES } from '../../src/engines/edge/edge-voices.ts';
import { describeSpeechEngine } from './engine-conformance.ts';
import { type EdgeMode, type EdgeServer, openEdgeServer } from './simulators/edge-server.ts';

describeSpeechEngine('edge', async () => {
  const server = await openEdgeServer({ port: 0 });
  const engine = createEdgeEngine({
    endpoint: server.endpoint,

    // The others sound the same here.
    voices: EDGE_VOICES.slice(0, 4),
  });
  return { engine, close: () => server.close() };
});

const TEXT = 'Mara said: "Tide & <time> wait for none."';
const KILLIAN = { text: TEXT, voiceId: 'de-DE-KillianNeural' };

let server: EdgeServer | undefined;
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  await server?.close();
  server = undefined;
  await Promise.all(closing.splice(0).map((close) => close()));
});

const open = async (options: Partial<EdgeEngineOptions> = {}, now: () => number = Date.now) => {
  server = await openEdgeServer({ port: 0, now });
  const engine = createEdgeEngine({
    endpoint: server.endpoint,

    ...options,
  });
  return { server, engine };
};

describe('edge', () => {
  test('sends what a browser sends and decodes what comes', async () => {
    const { server, engine } = await open();
    const pcm = await engine.synthesizeChunk({ ...KILLIAN, speed: 1.25 });
    expect(pcm.sampleRateHz).toBe(24_000);
    verifySound(pcm, { text: TEXT, speed: 1.25 });
    expect(durationMsOf(pcm.samples.length, 24_000)).toBeGreaterThan((TEXT.length * 60) / 1.25 - 100);
    expect(server.violations).toEqual([]);
    expect(server.requests).toEqual([
      {
        requestId: expect.any(String) as string,
        voice: KILLIAN.voiceId,
        language: 'de-DE',
        speed: 1.25,
        text: TEXT,
      },
    ]);
    await server.whenIdle();
  });

  test('speaks a text of more than 4,096 bytes in parts, in order, and none of it twice', async () => {
    const { server, engine } = await open();
    const text = Array.from({ length: 420 }, (_, index) => `w\u00f6rd${index} &`).join(' ');
    const pcm = await engine.synthesizeChunk({ text, voiceId: 'en-US-GuyNeural', speed: 2 });
    expect(server.violations).toEqual([]);
    expect(server.requests.length).toBeGreaterThan(1);
    expect(server.requests.map((request) => request.text).join(' ')).toBe(text);
    verifySound(pcm, { text, speed: 2 });
  });

  test.each<[EdgeMode, string, RegExp]>([
    ['none', 'audio_missing', /NoAudioReceived/],
    ['cut', 'audio_missing', /1006.* after \d{3,} bytes of sound/],
    ['cut-politely', 'audio_missing', /1000.* after \d{3,} bytes of sound/],
    ['endless', 'audio_missing', /1000 before turn.end, after/],
    ['close-before', 'audio_missing', /closed with 1006 before turn.end$/],
    ['silent', 'audio_silent', /^$/],
    ['busy', 'provider_rate_limited', /429/],
    ['away', 'provider_unavailable', /503/],
    ['unsupported-voice', 'voice_not_found', /1007 "Unsupported voice/],
    ['invalid', 'provider_rejected', /1007 "The request could not/],
    ['internal-error', 'provider_unavailable', /1011 "Internal server error"/],
    ['malformed-short', 'model_failed', /binary frame of 1 bytes/],
    ['malformed-length', 'model_failed', /65535 bytes of headers/],
    ['malformed-path', 'model_failed', /path "video"/],
    ['malformed-headers', 'model_failed', /header line "no colon!"/],
    ['malformed-text', 'model_failed', /no end of headers/],
    ['malformed-mp3', 'model_failed', /MP3/],
  ])('tells %s as %s, closes the connection, and speaks the next text', async (mode, code, details) => {
    const { server, engine } = await open();
    server.script(mode);
    await expect(engine.synthesizeChunk(KILLIAN)).rejects.toSatisfy(
      (error: Error & Record<string, unknown>) => {
        expect(error).toMatchObject({ code });
        expect(error['details'] ?? '').toMatch(details);
        return true;
      },
    );
    await server.whenIdle();
    verifySound(await engine.synthesizeChunk(KILLIAN), { text: TEXT, speed: 1 });
    expect(server.violations).toEqual([]);
  });

  test('passes on how long it is to wait', async () => {
    const { server, engine } = await open();
    server.script('busy', 'away');
    await expect(engine.synthesizeChunk(KILLIAN)).rejects.toMatchObject({
      retryAfterMs: 7_000,
      retryable: true,
    });
    await expect(engine.synthesizeChunk(KILLIAN)).rejects.toMatchObject({
      retryAfterMs: 7_000,
      retryable: true,
    });
  });

  test.each([-86_400_000, 3_600_000])('corrects a clock that is %d ms off, once', async (offMs) => {
    const { server, engine } = await open({}, () => Date.now() + offMs);
    await engine.synthesizeChunk(KILLIAN);
    await engine.synthesizeChunk(KILLIAN);
    expect(server.handshakes.map(({ status }) => status)).toEqual([403, 101, 101]);
    expect(server.violations).toEqual([]);
    await server.whenIdle();
  });

  test.each<EdgeMode>(['forbidden', 'forbidden-timeless'])('gives up when it stays %s', async (mode) => {
    const { server, engine } = await open();
    server.script(mode, mode);
    await expect(engine.synthesizeChunk(KILLIAN)).rejects.toMatchObject({
      code: 'permission_denied',
      retryable: false,
      details: expect.stringContaining('browser version') as string,
    });
    expect(server.handshakes).toHaveLength(2);
    await server.whenIdle();
  });

  test('takes the browser version from its options', async () => {
    const { server, engine } = await open({ chromiumVersion: '150.1.2.3' });
    await engine.synthesizeChunk(KILLIAN);
    const { url, headers } = server.handshakes[0]!;
    expect(url.searchParams.get('Sec-MS-GEC-Version')).toBe('1-150.1.2.3');
    expect(headers['user-agent']).toContain('Chrome/150.0.0.0 Safari/537.36 Edg/150.0.0.0');
  });

  test('a service that hangs is left by the signal, which closes the connection', async () => {
    const { server, engine } = await open();
    server.script('hang');
    const stop = new AbortController();
    const hanging = engine.synthesizeChunk(KILLIAN, { signal: stop.signal });
    hanging.catch(() => {});
    await server.nextRequest();
    expect(server.connectionCount).toBe(1);
    stop.abort(new DOMException('too long', 'TimeoutError'));
    await expect(hanging).rejects.toMatchObject({ code: 'timed_out' });
    await server.whenIdle();
  });

  test('a probe only knocks when it has no address of the voices', async () => {
    const { server, engine } = await open();
    const { details } = await engine.probe(AbortSignal.timeout(30_000));
    expect(details).toBe('Edge read-aloud, 24 voices');
    expect(server.handshakes.map(({ status }) => status)).toEqual([101]);
    expect(server.requests).toEqual([]);
    await server.whenIdle();
  });

  test('a probe knocks where a relay passes on speech and tells no voices', async () => {
    const { http, close } = openSpeechHttp();
    closing.push(close);
    const { server } = await open();
    const engine = createEdgeEngine({
      endpoint: server.endpoint,
      voicesUrl: `${server.voicesUrl}/elsewhere`,
      http,
      now: Date.now,
    });
    const { details } = await engine.probe(AbortSignal.timeout(30_000));
    expect(details).toBe('Edge read-aloud, 24 voices');
    expect(server.handshakes.at(-1)?.status).toBe(101);
    await server.whenIdle();
  });

  test('a probe learns the voices, the well-known ones first, and corrects the clock', async () => {
    const { http, close } = openSpeechHttp();
    closing.push(close);
    const clock = createFakeClock();
    const { server } = await open({}, () => Date.now() + 7_200_000);
    const engine = createEdgeEngine({
      endpoint: server.endpoint,
      voicesUrl: server.voicesUrl,
      http,
      now: () => 1_700_000_000_000 + clock.now(),
    });
    expect(engine.voices()).toBe(EDGE_VOICES);
    await expect(engine.probe(AbortSignal.timeout(30_000))).resolves.toEqual({
      details: 'Edge read-aloud, 4 voices',
      latencyMs: 0,
    });
    expect(engine.voices().map(({ id }) => id)).toEqual([
      'de-DE-KillianNeural',
      'de-DE-ConradNeural',
      'zh-CN-XiaoxiaoNeural',
      'sv-SE-SofieNeural',
    ]);
    expect(engine.languages).toEqual(['de-DE', 'zh-CN', 'sv-SE']);
    expect(server.handshakes.map(({ status }) => status)).toEqual([403, 200]);
    server.script('forbidden', 'forbidden');
    await expect(engine.probe(AbortSignal.timeout(30_000))).rejects.toMatchObject({
      code: 'permission_denied',
    });
    server.script('away');
    await expect(engine.probe(AbortSignal.timeout(30_000))).rejects.toMatchObject({
      code: 'provider_unavailable',
    });
  });

  test('reports an address where no one is', async () => {
    const { server, engine } = await open();
    await server.close();
    await expect(engine.synthesizeChunk(KILLIAN)).rejects.toMatchObject({ code: 'network_unreachable' });
  });

  test('shows its address without credentials and tokens', () => {
    const engine = createEdgeEngine({
      endpoint: 'ws://me:secret@127.0.0.1:9/edge/v1?token=x',
    });
    expect(engine.endpoint).toBe('ws://127.0.0.1:9/edge/v1');
  });

  test.each(['https://speech.example/edge/v1', 'nowhere', ''])('refuses %j as an address', (endpoint) => {
    expect(() => createEdgeEngine({ endpoint })).toThrow(
      expect.objectContaining({ code: 'request_invalid' }) as Error,
    );
  });
});
