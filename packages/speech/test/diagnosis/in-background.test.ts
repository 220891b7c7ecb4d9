import { TalebackError } from '@taleback/core';
import { createFakeClock } from '@taleback/resilience/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Diagnosis } from '../../src/diagnosis/diagnose.ts';
import { DiagnosisOnFailure, formatDiagnosis } from '../../src/diagnosis/diagnosis-on-failure.ts';
import { explain } from '../../src/diagnosis/trouble.ts';

interface Line {
  readonly severity: string;
  readonly message: string;
  readonly fields: Record<string, unknown>;
}

let lines: Line[];
const log = (severity: string, message: string, fields: Record<string, unknown> = {}): void => {
  lines.push({ severity, message, fields });
};
beforeEach(() => {
  lines = [];
});

const WELL: Diagnosis = {
  target: 'https://speech.example',
  host: 'speech.example',
  ok: true,
  summary: 'Network connectivity to speech.example is working.',
  steps: [],
  suggestions: ['Temporary service outage', 'Rate limiting by the service', 'SSL/TLS certificate issues'],
  ms: 3,
  at: '2025-12-13T23:28:20.000Z',
};

const untilAborted = (_: string, signal: AbortSignal): Promise<Diagnosis> =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error));
  });

describe('formatDiagnosis', () => {
  it('has the sentences of the TTS service that it replaces', () => {
    const breaker = {
      state: 'OPEN',
      consecutiveFailures: 5,
      lastFailure: new Date('2025-12-13T23:28:20Z'),
    } as const;
    expect(formatDiagnosis(WELL, breaker)).toBe(
      [
        '✓ Network connectivity to speech.example is working',
        '  The issue may be:',
        '  - Temporary service outage',
        '  - Rate limiting by the service',
        '  - SSL/TLS certificate issues',
        '⚠️  TTS circuit breaker is OPEN',
        '  Failed 5 times consecutively',
        '  Last failure: 2025-12-13 23:28:20',
      ].join('\n'),
    );
  });

  it('tells the cause and what to do, and a breaker that is well', () => {
    const broken: Diagnosis = {
      ...WELL,
      ok: false,
      code: 'dns_failed',
      summary: 'DNS resolution failed.',
      details: 'getaddrinfo ENOTFOUND',
      suggestions: ['Check the name'],
    };
    const breaker = { state: 'CLOSED', consecutiveFailures: 1, lastFailure: '2025-12-13T23:28:20Z' } as const;
    expect(formatDiagnosis(broken, breaker).split('\n')).toEqual([
      '✗ DNS resolution failed. (getaddrinfo ENOTFOUND)',
      '  What to do:',
      '  - Check the name',
      '✓ TTS circuit breaker is CLOSED',
      '  Failed 1 time',
      '  Last failure: 2025-12-13 23:28:20',
    ]);
  });
});

describe('DiagnosisOnFailure', () => {
  const clock = createFakeClock(1_000_000);
  const failure = new TalebackError('audio_missing', 'No audio received, api_key=geheim123');

  it('diagnoses in the background, one engine at a time, each once a minute or when its breaker opens', async () => {
    const asked: string[] = [];
    let underWay = 0;
    let most = 0;
    const answers: (() => void)[] = [];
    const diagnose = async (engine: string): Promise<Diagnosis> => {
      asked.push(engine);
      most = Math.max(most, (underWay += 1));
      await new Promise<void>((resolve) => answers.push(resolve));
      underWay -= 1;
      return WELL;
    };
    const watch = new DiagnosisOnFailure({ diagnose, log, clock });
    watch.failed('edge', failure);
    watch.failed('edge', failure);
    watch.failed('kokoro', failure);
    await clock.settle();
    expect(asked).toEqual(['edge']);
    expect(watch.last('edge')).toBeUndefined();
    answers.shift()?.();
    await clock.settle();
    expect(asked).toEqual(['edge', 'kokoro']);
    expect(watch.last('edge')).toEqual(WELL);
    answers.shift()?.();
    await watch.settled();
    expect(watch.all()).toEqual({ edge: WELL, kokoro: WELL });
    expect(most).toBe(1);

    clock.advance(59_999);
    watch.failed('edge', failure);
    expect(asked).toHaveLength(2);
    clock.advance(1);
    watch.failed('edge', failure);
    await clock.settle();
    expect(asked).toEqual(['edge', 'kokoro', 'edge']);
    answers.shift()?.();
    watch.opened('edge', failure);
    await clock.settle();
    expect(asked).toEqual(['edge', 'kokoro', 'edge', 'edge']);
    answers.shift()?.();
    await watch.close();
  });

  it('logs a warning with the words of the breaker, and no secret', async () => {
    const watch = new DiagnosisOnFailure({
      diagnose: async () => WELL,
      breakerOf: () => ({ state: 'OPEN', consecutiveFailures: 5, lastFailure: null }),
      log,
      clock,
    });
    watch.failed('edge', failure);
    await watch.settled();
    expect(lines).toMatchObject([
      {
        severity: 'warn',
        message: 'engine diagnosed',
        fields: { engine: 'edge', failure: { code: 'audio_missing' } },
      },
    ]);
    expect(String(lines[0]?.fields['words'])).toContain('TTS circuit breaker is OPEN');
    expect(await watch.recent()).toMatchObject({
      edge: {
        summary: 'Network connectivity to the service is working.',
        breaker: { state: 'OPEN', consecutiveFailures: 5 },
      },
    });
    expect(JSON.stringify(lines)).not.toContain('geheim123');
  });

  it('shows readers neither names nor ports of hosts, which the log has', async () => {
    const target = { host: 'gpu-7.internal', port: 8880, isName: true };
    const causes = ['refused', 'name-unknown', 'certificate-wrong-host', 'filtered'] as const;
    for (const trouble of causes) {
      const said = { ...explain(trouble, target), details: 'connect ECONNREFUSED 10.0.0.7:8880' };
      const watch = new DiagnosisOnFailure({
        diagnose: async () => ({ ...WELL, ok: false, code: 'network_unreachable', trouble, ...said }),
        log,
        clock,
      });
      watch.failed('kokoro', failure);
      const { kokoro } = await watch.recent();
      expect(kokoro).toMatchObject({
        ok: false,
        code: 'network_unreachable',
        summary: expect.stringContaining('the service'),
      });
      expect(JSON.stringify(kokoro)).not.toMatch(/gpu-7|8880|10\.0/);
      expect(JSON.stringify(lines.at(-1))).toMatch(/gpu-7/);
    }
  });

  it('outlives a diagnosis that breaks, and an engine without a network', async () => {
    const watch = new DiagnosisOnFailure({
      diagnose: (engine) => {
        if (engine === 'flite') return undefined;
        throw new Error('boom');
      },
      log,
      clock,
    });
    watch.failed('edge', failure);
    watch.failed('flite', failure);
    await watch.settled();
    expect(lines.map(({ message }) => message)).toEqual(['engine could not be diagnosed']);
    expect(watch.all()).toEqual({});
  });

  it('breaks off when it is closed, and says nothing more', async () => {
    const watch = new DiagnosisOnFailure({ diagnose: untilAborted, log, clock });
    watch.failed('edge', failure);
    watch.failed('kokoro', failure);
    await clock.settle();
    await watch.close();
    watch.failed('third', failure);
    await watch.settled();
    expect(lines).toEqual([]);
  });
});
