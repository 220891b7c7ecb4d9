import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { toneOf } from '../python/tone.ts';
import { type DrivenChild, endDriven, startDriven } from './driven-child.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

afterEach(endDriven);

const startPython = (
  versions: readonly ('2.1.0' | '2.0.0' | '1.0.0')[],
  ...more: readonly string[]
): Promise<DrivenChild> =>
  startDriven({
    command: 'python3',
    args: ['-u', '-m', 'taleback_speech', '--engine', 'tone_engine:ToneEngine', ...more],
    env: {
      PATH: process.env['PATH'] ?? '',
      PYTHONPATH: [here('../../python'), here('../python/fixtures')].join(delimiter),
      PYTHONDONTWRITEBYTECODE: '1',
    },
    versions,
    negotiationTimeoutMs: 15_000,
  });

const samplesOf = async (end: ReturnType<DrivenChild['speak']>['end']): Promise<Buffer> => {
  const found = await end;
  if (!('sound' in found)) throw new Error(JSON.stringify(found.error));
  expect(found.sound.sampleRateHz).toBe(16_000);
  return Buffer.from(found.sound.samples.buffer);
};

describe.each(['2.1.0', '2.0.0', '1.0.0'] as const)('a child in Python, in %s', (version) => {
  const isBare = version === '1.0.0';

  test('gives each text its own sound, and reports what went wrong', async () => {
    const driven = await startPython([version]);
    const model = isBare ? undefined : 'tone-1';
    expect(await driven.ready).toEqual({ protocol: version, concurrency: 1, model });
    for (let index = 0; index < 20; index += 1) {
      const text = `text ${index} — “quoted”, 日本語`;
      const voiceId = index % 2 === 0 ? 'low' : 'high';
      const call = driven.speak(text, { voiceId, ...(index % 3 === 0 ? { speed: 1.5 } : {}) });
      expect(await samplesOf(call.end)).toEqual(toneOf(text, voiceId, index % 3 === 0 ? 1.5 : 1));
    }
    expect(await driven.speak('hm', { voiceId: 'nobody' }).end).toMatchObject({
      error: { code: 'voice_not_found' },
    });
    expect(await driven.speak('!fail gpu', { voiceId: 'low' }).end).toMatchObject({
      error: { code: 'gpu_out_of_memory', retryable: true },
    });
    expect(driven.filesLeft()).toEqual([]);
    driven.child.leave();
    expect(await driven.ended).toBe('exit code 0');
  });

  test.each([2 ** 20, 20 * 2 ** 20])('carries %i bytes of sound', async (sizeBytes) => {
    const driven = await startPython([version]);
    await driven.ready;
    const sound = await samplesOf(driven.speak(`!give ${sizeBytes}`, { voiceId: 'low' }).end);
    expect(sound.equals(Buffer.alloc(sizeBytes, Uint8Array.of(1, 0)))).toBe(true);
    expect(driven.filesLeft()).toEqual([]);
  });

  test('keeps the noise of its libraries to itself', async () => {
    const driven = await startPython([version]);
    await driven.ready;
    expect(await samplesOf(driven.speak('!noise', { voiceId: 'low' }).end)).toEqual(toneOf('!noise', 'low'));
    expect(driven.lines.filter((line) => line.includes('noise of'))).not.toEqual([]);
    expect(driven.lines.filter((line) => line.startsWith('speech child wrote'))).toEqual([]);
  });
});

describe('a child in Python', () => {
  test('answers pings and stops a call, while it speaks', async () => {
    const driven = await startPython(['2.1.0']);
    await driven.ready;
    const call = driven.speak('!wait', { voiceId: 'low' });
    expect(await driven.ping()).toBeGreaterThan(2 ** 20);
    driven.child.cancel(call.id);
    expect(await call.end).toMatchObject({ error: { code: 'job_cancelled' } });
  });

  test.each([
    ['2.0.0', ['2.1.0', '2.0.0', '1.0.0'], '2.0.0'],
    ['1.0.0', ['2.1.0', '2.0.0', '1.0.0'], '1.0.0'],
    ['2.1.0,2.0.0', ['2.0.0'], '2.0.0'],
  ] as const)('that speaks %s is offered %j: %s', async (spoken, offered, agreed) => {
    const driven = await startPython(offered, '--versions', spoken);
    expect(await driven.ready).toMatchObject({ protocol: agreed });
    expect(await samplesOf(driven.speak('first', { voiceId: 'low' }).end)).toEqual(toneOf('first', 'low'));
  });

  test('that knows nothing of what is offered is ended, with the reason', async () => {
    const driven = await startPython(['2.1.0'], '--versions', '2.0.0');
    expect(await driven.ended).toMatch(
      /^broke the protocol: it refused hello: .*none of those versions.* \(/,
    );
  });

  test('whose model cannot be loaded reports why', async () => {
    const driven = await startPython(['2.1.0'], '--option', 'load=fail');
    expect(await driven.ended).toMatch(/\S.* \(exit code 1\)$/);
    await expect(driven.ready).rejects.toThrow('exit code 1');
  });
});
