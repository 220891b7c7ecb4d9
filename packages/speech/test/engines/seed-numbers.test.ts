import { isTalebackError } from '@taleback/core';
import { createFakeClock } from '@taleback/resilience/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { createChatterboxEngine } from '../../src/engines/chatterbox/chatterbox-engine.ts';
import { createCoquiEngine } from '../../src/engines/coqui/coqui-engine.ts';
import { createEdgeEngine } from '../../src/engines/edge/edge-engine.ts';
import { createElevenlabsEngine } from '../../src/engines/elevenlabs/elevenlabs-engine.ts';
import type { RemoteEngine } from '../../src/engines/engine.ts';
import { policyOf, readProfile } from '../../src/engines/engine-profiles.ts';
import { createKokoroEngine } from '../../src/engines/kokoro/kokoro-engine.ts';
import { openSpeechHttp, type SpeechHttp } from '../../src/engines/remote/speech-http.node.ts';
import { parseManagerConfig } from '../../src/pool/pool-config.ts';
import { RemoteLine } from '../../src/pool/remote-line.ts';
import { openChatterboxServer } from './simulators/chatterbox-server.ts';
import { openCoquiServer } from './simulators/coqui-server.ts';
import { openEdgeServer } from './simulators/edge-server.ts';
import { type ElevenlabsMode, openElevenlabsServer } from './simulators/elevenlabs-server.ts';
import { type HttpSimulator, jsonAnswer, type Scripted } from './simulators/http-simulator.ts';
import { openKokoroServer } from './simulators/kokoro-server.ts';

/** What a service does with a request; after those that are named it speaks. */
type Treatment = 'fails' | 'hangs' | 400 | 404 | 422 | 429;

interface Service {
  readonly engine: RemoteEngine;
  readonly treat: (...treatments: readonly Treatment[]) => void;
  readonly close: () => Promise<void>;
}

const scriptedAs = (treatment: Treatment): Scripted => {
  if (treatment === 'hangs') return 'hang';
  const status = treatment === 'fails' ? 503 : treatment;
  return jsonAnswer(status, { detail: 'No.' }, status === 429 ? { 'retry-after': '7' } : {});
};

const modeOf = (treatment: Treatment): ElevenlabsMode => {
  if (treatment === 'hangs') return 'hang';
  const status = treatment === 'fails' ? 503 : treatment;
  return { status, json: { detail: 'No.' }, ...(status === 429 && { headers: { 'retry-after': '7' } }) };
};

const edgeModeOf = (treatment: Treatment) => (treatment === 'hangs' ? 'hang' : 'none');

const overHttp = (server: HttpSimulator, path: string, engine: RemoteEngine): Service => ({
  engine,
  treat: (...treatments) => server.script(path, ...treatments.map(scriptedAs)),
  close: server.close,
});

/** Each shipped engine of a service, before its simulator. */
const OPENERS: Readonly<Record<string, (http: SpeechHttp) => Promise<Service>>> = {
  kokoro: async (http) => {
    const server = await openKokoroServer({ port: 0 });
    return overHttp(server, '/v1/audio/speech', createKokoroEngine({ baseUrl: server.baseUrl, http }));
  },
  'kokoro, guarded': async (http) => {
    const server = await openKokoroServer({ port: 0 });
    const policy = policyOf(readProfile('kokoro', { KOKORO_PROFILE: 'guarded' }));
    return overHttp(
      server,
      '/v1/audio/speech',
      createKokoroEngine({ baseUrl: server.baseUrl, policy, http }),
    );
  },
  chatterbox: async (http) => {
    const server = await openChatterboxServer({ port: 0 });
    return overHttp(server, '/tts', createChatterboxEngine({ baseUrl: server.baseUrl, http }));
  },
  coqui: async (http) => {
    const server = await openCoquiServer({ port: 0 });
    return overHttp(server, '/api/tts', createCoquiEngine({ baseUrl: server.baseUrl, http }));
  },
  elevenlabs: async (http) => {
    const server = await openElevenlabsServer({ port: 0 });
    const { baseUrl, apiKey } = server;
    const engine = createElevenlabsEngine({ baseUrl, apiKey, http, modelId: 'eleven_multilingual_v2' });
    return { engine, treat: (...all) => server.script(...all.map(modeOf)), close: server.close };
  },
  edge: async () => {
    const server = await openEdgeServer({ port: 0 });
    const engine = createEdgeEngine({ endpoint: server.endpoint });
    return { engine, treat: (...all) => server.script(...all.map(edgeModeOf)), close: server.close };
  },
};

const client = openSpeechHttp();
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** Time moves in such steps, and only while no request is under way. */
const STEP_MS = 250;

const openLine = async (name: string) => {
  const service = await OPENERS[name]?.(client.http);
  if (service === undefined) throw new Error(`no engine ${name}`);
  const clock = createFakeClock();
  const sentAtMs: number[] = [];
  let underWay = 0;
  const engine: RemoteEngine = Object.create(service.engine, {
    synthesizeChunk: {
      value: async (...chunk: Parameters<RemoteEngine['synthesizeChunk']>) => {
        sentAtMs.push(Math.round(clock.now()));
        underWay += 1;
        try {
          return await service.engine.synthesizeChunk(...chunk);
        } finally {
          underWay -= 1;
        }
      },
    },
  }) as RemoteEngine;
  const line = new RemoteLine(engine, {
    config: parseManagerConfig(),
    clock,
    random: () => 1 - Number.EPSILON,
    log: () => {},
    publish: () => {},
  });
  closing.push(async () => {
    await line.close();
    await service.close();
  });
  const voice = engine.voices()[0];
  const chunk = { text: 'Mara counted the tide.', voiceId: voice?.id ?? '', language: voice?.languages[0] };
  const speak = (): Promise<string> =>
    line.speak(chunk).then(
      () => 'spoken',
      (error: unknown) => (isTalebackError(error) ? error.code : String(error)),
    );
  /** Lets real requests end, and then time pass, until it ends. */
  const play = async (spoken = speak()): Promise<string> => {
    let end: string | undefined;
    const note = (code: string): void => {
      end = code;
    };
    void spoken.then(note);
    for (;;) {
      await clock.settle();
      if (end !== undefined) return end;
      if (underWay === 0) await clock.advanceAsync(STEP_MS);
    }
  };
  return {
    ...service,
    line,
    clock,
    sentAtMs,
    speak,
    play,
    breaker: () => line.snapshot().workers[0]?.breaker,
  };
};

const times = (count: number, treatment: Treatment): Treatment[] => Array<Treatment>(count).fill(treatment);

/** The numbers of the seeds. @see docs/origins.md#where-two-seeds-disagree */
const ENGINES = [
  // 000: 3 retries after 1, 2 and 4 s; 3 at once; 60 s; 5 failures; 60 s; 2 successes.
  {
    name: 'kokoro',
    sentAtSeconds: [0, 1, 3, 7],
    atOnce: 3,
    timeoutSeconds: 60,
    opensAfter: 5,
    cooldownSeconds: 60,
    nextCooldownSeconds: 60,
    successes: 2,
  },
  // 003: 2 attempts with 4 s between them; 15 s; 5 failures; 300 s.
  {
    name: 'kokoro, guarded',
    sentAtSeconds: [0, 4],
    atOnce: 2,
    timeoutSeconds: 15,
    opensAfter: 5,
    cooldownSeconds: 300,
    nextCooldownSeconds: 300,
    successes: 2,
  },
  // 003 on a server that does one thing at a time, with the breaker of 000.
  {
    name: 'coqui',
    sentAtSeconds: [0, 4],
    atOnce: 1,
    timeoutSeconds: 60,
    opensAfter: 5,
    cooldownSeconds: 60,
    nextCooldownSeconds: 60,
    successes: 2,
  },
  {
    name: 'chatterbox',
    sentAtSeconds: [0, 1, 3, 7],
    atOnce: 1,
    timeoutSeconds: 120,
    opensAfter: 5,
    cooldownSeconds: 60,
    nextCooldownSeconds: 60,
    successes: 2,
  },
  // 000: 2 retries.
  {
    name: 'elevenlabs',
    sentAtSeconds: [0, 1, 3],
    atOnce: 3,
    timeoutSeconds: 60,
    opensAfter: 5,
    cooldownSeconds: 60,
    nextCooldownSeconds: 60,
    successes: 2,
  },
  // 002: 3 attempts, 5 requests that failed after all of them; 300 s, longer in persistent outages; 1 success.
  {
    name: 'edge',
    sentAtSeconds: [0, 1, 3],
    atOnce: 3,
    timeoutSeconds: 60,
    opensAfter: 15,
    cooldownSeconds: 300,
    nextCooldownSeconds: 600,
    successes: 1,
  },
] as const;

describe.each(ENGINES)('$name', (row) => {
  const { name, sentAtSeconds, atOnce, opensAfter, successes } = row;

  it('tries so often, so far apart', async () => {
    const { treat, play, sentAtMs } = await openLine(name);
    treat(...times(sentAtSeconds.length, 'fails'));
    expect(await play()).not.toBe('spoken');
    expect(sentAtMs).toEqual(sentAtSeconds.map((seconds) => seconds * 1_000));
  });

  it('sends so many at once', async () => {
    const { treat, speak, line, clock } = await openLine(name);
    treat(...times(atOnce, 'hangs'));
    const all = Array.from({ length: 12 }, speak);
    await clock.settle();
    expect(line.snapshot()).toMatchObject({ inFlight: atOnce, queueDepth: 12 - atOnce });
    await line.close();
    await Promise.all(all);
  });

  it('waits so long for an answer', async () => {
    const { treat, speak, sentAtMs, clock, breaker, line } = await openLine(name);
    treat('hangs');
    const spoken = speak();
    const failures = () => line.snapshot().workers[0]?.consecutiveFailures;
    await clock.advanceAsync(row.timeoutSeconds * 1_000 - 1);
    expect([sentAtMs, failures(), breaker()]).toEqual([[0], 0, 'CLOSED']);
    await clock.advanceAsync(1);
    expect(failures()).toBe(1);
    await line.close();
    await spoken;
  });

  it('opens its breaker after so many failures, for so long, until so many trials succeed', async () => {
    const { treat, play, speak, sentAtMs, clock, breaker } = await openLine(name);
    treat(...times(opensAfter, 'fails'));
    while (breaker() === 'CLOSED' && sentAtMs.length <= opensAfter) await play();
    expect([breaker(), sentAtMs.length]).toEqual(['OPEN', opensAfter]);
    const coolDown = async (seconds: number): Promise<void> => {
      const openedAtMs = sentAtMs.at(-1) ?? 0;
      await clock.advanceAsync(openedAtMs + seconds * 1_000 - 1 - clock.now());
      expect([await speak(), breaker()]).toEqual(['circuit_open', 'OPEN']);
      await clock.advanceAsync(1);
      expect(breaker()).toBe('HALF_OPEN');
    };
    await coolDown(row.cooldownSeconds);
    treat(...times(name === 'edge' ? 3 : 1, 'fails'));
    expect([await play(), breaker()]).toEqual([expect.any(String), 'OPEN']);
    await coolDown(row.nextCooldownSeconds);
    for (let trial = 1; trial <= successes; trial += 1) {
      expect(breaker()).toBe('HALF_OPEN');
      expect(await play()).toBe('spoken');
    }
    expect(breaker()).toBe('CLOSED');
  });
});

it('gives no attempt of the guarded profile more than its time, whatever the service is known to take', async () => {
  const { treat, play, speak, clock, line, sentAtMs } = await openLine('kokoro, guarded');
  for (let story = 0; story < 10; story += 1) {
    expect(await play()).toBe('spoken');
    await clock.advanceAsync(6_000);
  }
  treat('hangs', 'hangs');
  const spoken = speak();
  const startedAtMs = clock.now();
  await clock.advanceAsync(15_000 + 4_000 + 15_000);
  expect(sentAtMs.slice(10).map((atMs) => atMs - startedAtMs)).toEqual([0, 19_000]);
  expect(line.snapshot().workers[0]?.consecutiveFailures).toBe(2);
  await line.close();
  await spoken;
});

// Edge has no statuses of HTTP once its socket is open.
describe.each(ENGINES.filter(({ name }) => name !== 'edge'))('$name over HTTP', ({ name }) => {
  it.each([400, 404, 422] as const)('never tries again after %i', async (status) => {
    const { treat, play, sentAtMs } = await openLine(name);
    treat(status);
    expect(await play()).not.toBe('spoken');
    expect(sentAtMs).toEqual([0]);
  });

  it('obeys Retry-After of a 429', async () => {
    const { treat, play, sentAtMs } = await openLine(name);
    treat(429);
    expect(await play()).toBe('spoken');
    expect(sentAtMs).toEqual([0, 7_000]);
  });
});

it('kokoro, guarded: ten requests in any minute', async () => {
  const { play, sentAtMs } = await openLine('kokoro, guarded');
  for (let request = 1; request <= 11; request += 1) expect(await play()).toBe('spoken');
  expect(sentAtMs).toEqual([...Array<number>(10).fill(0), 60_000]);
});
