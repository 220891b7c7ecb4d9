import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openHttp, openSilent } from '../../../packages/speech/test/diagnosis/servers.ts';
import { openEdgeServer } from '../../../packages/speech/test/engines/simulators/edge-server.ts';
import { jsonAnswer } from '../../../packages/speech/test/engines/simulators/http-simulator.ts';
import { openKokoroServer } from '../../../packages/speech/test/engines/simulators/kokoro-server.ts';
import { type CliFolder, openCliFolder, PATIENT } from './cli-folder.ts';
import { runHere } from './run-cli.ts';

let home: CliFolder;
let folder: string;
let env: Record<string, string>;
const closing: (() => Promise<void>)[] = [];

beforeEach(async () => {
  home = await openCliFolder();
  folder = home.path;
  env = { ...home.env };
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  await home.remove();
});

const opened = <T extends { readonly close: () => Promise<void> }>(server: T): T => {
  closing.push(server.close);
  return server;
};

interface Told {
  readonly checks: readonly { readonly name: string; readonly status: string; readonly summary: string }[];
}

const examine = async (...args: string[]) => {
  const run = await runHere(['doctor', '--json', ...args], { env, cwd: folder });
  const { checks } = JSON.parse(run.out) as Told;
  return { code: run.code, of: (name: string) => checks.find((check) => check.name === name) };
};

const inSpeech = (path: string): string =>
  fileURLToPath(new URL(`../../../packages/speech/${path}`, import.meta.url));

describe('taleback doctor', () => {
  it('reports an engine that cannot be opened, and all others', async () => {
    Object.assign(env, {
      ENGINES: 'chatterbox-python,elevenlabs,flite',
      CHATTERBOX_VOICES: join(folder, 'gone'),
      ELEVENLABS_API_KEY: 'not a key\u00e9',
    });
    const { code, of } = await examine(...PATIENT);
    expect(code).toBe(1);
    expect(of('chatterbox-python')).toMatchObject({
      status: 'failed',
      summary: expect.stringContaining('ENOENT') as string,
    });
    expect(of('elevenlabs')).toMatchObject({ status: 'failed', code: 'credentials_invalid' });
    expect(of('flite')).toMatchObject({ status: 'ok' });
    expect(of('audio store')).toMatchObject({ status: 'ok' });
  });

  it('has an engine speak a language of its own', async () => {
    const substitutes = ['coqui', 'torch']
      .map((name) => inSpeech(`test/python/substitutes/${name}`))
      .join(':');
    const python = join(folder, 'python-with-substitutes');
    const script = `#!/bin/sh\nPYTHONPATH="${substitutes}:$PYTHONPATH" exec python3 "$@"\n`;
    await writeFile(python, script, { mode: 0o755 });
    Object.assign(env, {
      ENGINES: 'coqui-python',
      COQUI_LANGUAGES: 'de',
      PYTHON: python,
      PYTHON_FOLDER: inSpeech('python'),
    });
    const { of } = await examine(...PATIENT);
    expect(of('coqui-python')).toMatchObject({ status: 'ok', summary: 'It speaks, with 1 voices.' });
  });

  it('is content with a voice that one of the engines has', async () => {
    const kokoro = opened(await openKokoroServer({ port: 0 }));
    Object.assign(env, { ENGINES: 'kokoro,flite', KOKORO_URL: kokoro.baseUrl });
    for (const voice of ['slt', 'af_heart']) {
      const { code, of } = await examine('--voice', voice, ...PATIENT);
      expect([code, of('voice')?.status, of('kokoro')?.status]).toEqual([0, 'ok', 'ok']);
    }
    const { code, of } = await examine('--voice', 'nobody', ...PATIENT);
    expect(code).toBe(1);
    expect(of('voice')).toMatchObject({ status: 'failed', code: 'voice_not_found' });
    expect([of('kokoro')?.status, of('flite')?.status]).toEqual(['ok', 'ok']);
  });

  it('seed 002: takes a service that lists its voices and does not speak for unavailable', async () => {
    const kokoro = opened(await openKokoroServer({ port: 0 }));
    Object.assign(env, { ENGINES: 'kokoro', KOKORO_URL: kokoro.baseUrl });
    expect((await examine(...PATIENT)).of('kokoro')?.status).toBe('ok');
    kokoro.script('/v1/audio/speech', jsonAnswer(500, {}));
    expect((await examine(...PATIENT)).of('kokoro')?.status).toBe('failed');
    expect((await examine('--quick', ...PATIENT)).of('kokoro')?.status).toBe('ok');
    expect(kokoro.callsTo('/v1/audio/speech')).toHaveLength(2);
  });

  it('has the worker that runs here speak a word too, which its circuit breaker counts', async () => {
    const kokoro = opened(await openKokoroServer({ port: 0 }));
    let consecutiveFailures = 0;
    const worker = opened(
      await openHttp((request, response) => {
        if (request.url === '/breakers/test') consecutiveFailures += 1;
        const workers = [{ id: 'kokoro', breaker: 'CLOSED', consecutiveFailures }];
        response.end(JSON.stringify({ engines: [], workers }));
      }),
    );
    Object.assign(env, { ENGINES: 'kokoro', KOKORO_URL: kokoro.baseUrl, HEALTH_PORT: String(worker.port) });
    const quick = await examine('--quick', ...PATIENT);
    expect(quick.of('circuit breakers')?.summary).toBe('All 1 are CLOSED.');
    const { of } = await examine(...PATIENT);
    expect(of('circuit breakers')?.summary).toBe('All 1 are CLOSED; kokoro failed 1 in a row.');
  });

  it('asks the Edge service for the voices it has', async () => {
    const edge = opened(await openEdgeServer({ port: 0 }));
    Object.assign(env, { ENGINES: 'edge', EDGE_URL: edge.endpoint });
    const { code, of } = await examine('--quick', '--voice', 'sv-SE-SofieNeural', ...PATIENT);
    expect([code, of('edge')?.status]).toEqual([0, 'ok']);
    expect(edge.handshakes.map(({ url }) => url.pathname)).toEqual([new URL(edge.voicesUrl).pathname]);
  });

  it('does not take a service that is at work for the worker for one that is broken', async () => {
    const chatterbox = opened(await openSilent());
    let inFlight = 1;
    const worker = opened(
      await openHttp((_, response) => {
        const workers = [{ id: 'chatterbox', breaker: 'CLOSED', inFlight }];
        response.end(JSON.stringify({ engines: [], workers }));
      }),
    );
    Object.assign(env, {
      ENGINES: 'chatterbox',
      CHATTERBOX_URL: `http://127.0.0.1:${chatterbox.port}`,
      HEALTH_PORT: String(worker.port),
    });
    expect((await examine('--timeout', '4')).of('chatterbox')).toMatchObject({ status: 'warning' });
    inFlight = 0;
    expect((await examine('--timeout', '4')).of('chatterbox')).toMatchObject({
      status: 'failed',
      suggestions: [
        expect.stringContaining('at work on a story') as string,
        expect.anything(),
        expect.anything(),
      ],
    });
  });
});
