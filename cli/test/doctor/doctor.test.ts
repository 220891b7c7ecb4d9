import { TalebackError } from '@taleback/core';
import { DeadlineExceededError } from '@taleback/resilience';
import { createFakeClock } from '@taleback/resilience/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { createNetworkProbe } from '@taleback/speech/diagnosis';
import { readDiskSpace } from '@taleback/speech/operations';
import { createHttpPost } from '@taleback/outbox';
import { parseConfig } from '@taleback/worker/src/config.ts';
import { credentialsCheck } from '../../src/doctor/credentials-check.node.ts';
import { breakerCheck, engineCheck } from '../../src/doctor/engine-checks.ts';
import { type Check, type CheckResult, examine, type Report } from '../../src/doctor/examine.ts';
import { formatReport } from '../../src/doctor/format-report.ts';
import { diskCheck, machineCheck, programCheck } from '../../src/doctor/machine-checks.node.ts';
import { outboxCheck } from '../../src/doctor/outbox-check.node.ts';
import { concurrencyCheck } from '../../src/doctor/firestore-check.node.ts';
import { grantsCheck } from '../../src/doctor/pubsub-checks.node.ts';
import { placeCheck, receiverCheck, streamsCheck } from '../../src/doctor/service-checks.ts';
import { closedPort, openHttp, type TestServer } from '../../../packages/speech/test/diagnosis/servers.ts';

const network = createNetworkProbe();
const PATIENT_MS = 50_000;
let server: TestServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

const resultOf = async (check: Check): Promise<CheckResult> => {
  const report = await examine([check], { timeoutMs: PATIENT_MS });
  return report.checks[0] as CheckResult;
};

const named = (name: string, run: Check['run'], group: Check['group'] = 'machine'): Check => ({
  name,
  group,
  run,
});

const engine = {
  name: 'kokoro',
  probe: async () => ({ details: 'speaks' }),
  voices: () => [{ id: 'anna' }],
};

const remoteCheck = (port: number, voiceId?: string): Check =>
  engineCheck(
    { ...engine, endpoint: `http://127.0.0.1:${port}` },
    { network, voiceId, timeoutMs: PATIENT_MS },
  );

const unasked = (): Promise<never> => Promise.reject(new Error('not asked'));

const health = async (): Promise<string> => 'the subscription is there';

describe('examine', () => {
  it('runs all side by side, each within its time, and orders them by group', async () => {
    const clock = createFakeClock(Date.UTC(2026, 0, 2));
    const begun: string[] = [];
    const hang = (name: string) => (): Promise<never> => {
      begun.push(name);
      return new Promise(() => {});
    };
    const report = examine(
      [
        named('hangs', hang('hangs')),
        named('breaks', () => Promise.reject(new TalebackError('disk_full', 'Full, token=verborgen'))),
        named('well', async () => ({ status: 'ok', summary: 'Well.' }), 'engines'),
        named('hangs too', hang('hangs too')),
      ],
      { clock },
    );
    expect(begun).toEqual(['hangs', 'hangs too']);
    await clock.advanceAsync(5_000);
    const { ok, checks, at } = await report;
    expect({ ok, at }).toEqual({ ok: false, at: '2026-01-02T00:00:00.000Z' });
    expect(checks.map(({ name, status, code }) => [name, status, code])).toEqual([
      ['well', 'ok', undefined],
      ['hangs', 'failed', 'timed_out'],
      ['breaks', 'failed', 'disk_full'],
      ['hangs too', 'failed', 'timed_out'],
    ]);
    expect(checks.map(({ ms }) => ms)).toEqual([0, 5_000, 0, 5_000]);
    expect(JSON.stringify(checks)).not.toContain('verborgen');
  });

  it('is well with warnings', async () => {
    const report = await examine([named('old', async () => ({ status: 'warning', summary: 'Old.' }))]);
    expect(report.ok).toBe(true);
  });
});

describe('checks', () => {
  it.each([
    ['anna', 'ok', undefined],
    ['carl', 'failed', 'voice_not_found'],
  ])('an engine of this machine with the voice %s', async (voiceId, status, code) => {
    const result = await resultOf(engineCheck(engine, { network, voiceId, timeoutMs: PATIENT_MS }));
    expect([result.status, result.code]).toEqual([status, code]);
  });

  it('an engine across the network: gone, then there, then without the voice', async () => {
    const gone = await resultOf(remoteCheck(await closedPort()));
    expect(gone).toMatchObject({ status: 'failed', code: 'network_unreachable' });
    expect(gone.suggestions[0]).toContain('nothing listens');
    server = await openHttp((_, response) => response.end());
    expect(await resultOf(remoteCheck(server.port))).toMatchObject({ status: 'ok' });
    expect(await resultOf(remoteCheck(server.port, 'carl'))).toMatchObject({ code: 'voice_not_found' });
  });

  it.each([
    [undefined, 'skipped'],
    [[{ name: 'edge', state: 'CLOSED' }] as const, 'ok'],
    [[{ name: 'edge', state: 'HALF_OPEN' }] as const, 'warning'],
    [[{ name: 'edge', state: 'OPEN' }] as const, 'warning'],
  ])('breakers %j', async (breakers, status) => {
    expect(await resultOf(breakerCheck(async () => breakers))).toMatchObject({ status });
  });

  it('credentials by their names only', async () => {
    const about = { neededFor: 'no jobs can be taken' };
    const check = (
      ...all: { isPresent: boolean; isOptional?: boolean; fault?: string }[]
    ): Promise<CheckResult> =>
      resultOf(
        credentialsCheck('jobs', async () => all.map((one) => ({ variable: 'KEY', ...about, ...one }))),
      );
    expect(await check()).toMatchObject({ status: 'ok', summary: 'None are needed.' });
    expect(await check({ isPresent: true })).toMatchObject({ status: 'ok', summary: 'KEY: there.' });
    expect(await check({ isPresent: false, isOptional: true })).toMatchObject({ status: 'warning' });
    expect(await check({ isPresent: true, fault: 'is no key' })).toMatchObject({
      status: 'failed',
      code: 'credentials_invalid',
      summary: 'KEY is no key: no jobs can be taken.',
    });
  });

  it.each([
    [404, '{"success":false,"error":"story_id: there is no story \\"x\\""}', 'ok', undefined],
    [200, '{"success":true}', 'ok', undefined],
    [200, '<!doctype html><title>Hello</title>', 'failed', 'callback_undeliverable'],
    [200, '{"status":"ok"}', 'failed', 'callback_undeliverable'],
    [204, '', 'failed', 'callback_undeliverable'],
    [302, '', 'failed', 'callback_undeliverable'],
    [401, '<html>Log in</html>', 'failed', 'callback_undeliverable'],
    [503, '<html>Bad Gateway</html>', 'failed', 'callback_undeliverable'],
    [404, '{"success":false,"error":"path: nothing is served here"}', 'failed', 'callback_undeliverable'],
    [401, '{"success":false,"error":"signature: missing or not valid"}', 'failed', 'credentials_invalid'],
    [403, 'Forbidden', 'failed', 'permission_denied'],
    [429, '{}', 'failed', 'provider_rate_limited'],
    [503, '{}', 'warning', 'callback_undeliverable'],
    [500, 'oops', 'failed', 'callback_undeliverable'],
  ])('a receiver that answers %i %s', async (answer, body, status, code) => {
    const asked: string[] = [];
    server = await openHttp((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      request.resume().on('end', () => response.writeHead(answer).end(body));
    });
    const poster = createHttpPost({ allowPrivate: true });
    const result = await resultOf(
      receiverCheck({
        network,
        baseUrl: `http://127.0.0.1:${server.port}/`,
        post: (url, value, signal) => poster.post(url, {}, Buffer.from(JSON.stringify(value)), signal),
        timeoutMs: PATIENT_MS,
      }),
    );
    await poster.close();
    expect([result.status, result.code]).toEqual([status, code]);
    expect(asked).toEqual(['POST /api/tts/error-callback']);
  });

  it('a receiver that is a page for people, by its name', async () => {
    server = await openHttp((_, response) => response.end('<!doctype html><title>Hello</title>'));
    const result = await resultOf(
      receiverCheck({
        network,
        baseUrl: `http://127.0.0.1:${server.port}`,
        post: async (url) => {
          const answer = await fetch(url);
          return { status: answer.status, excerpt: await answer.text() };
        },
        timeoutMs: PATIENT_MS,
      }),
    );
    expect(result.summary).toBe(
      'What answers there is not a Taleback receiver: it answers 200 with a page for people.',
    );
    expect(result.suggestions[0]).toContain('Check the host');
  });

  it('a receiver that is not there, and one that no one named', async () => {
    const options = { network, post: unasked, timeoutMs: PATIENT_MS };
    const baseUrl = `http://127.0.0.1:${await closedPort()}`;
    expect(await resultOf(receiverCheck({ ...options, baseUrl }))).toMatchObject({
      status: 'failed',
      code: 'network_unreachable',
    });
    expect(await resultOf(receiverCheck({ ...options, baseUrl: undefined }))).toMatchObject({
      status: 'skipped',
    });
  });

  it('a place: reached, asked, gone, or not needed', async () => {
    server = await openHttp((_, response) => response.end());
    const base = { name: 'Pub/Sub', group: 'jobs', network, timeoutMs: PATIENT_MS } as const;
    const here = { url: `http://127.0.0.1:${server.port}` };
    expect(await resultOf(placeCheck({ ...base, place: here }))).toMatchObject({ status: 'ok' });
    expect((await resultOf(placeCheck({ ...base, place: here, health }))).summary).toContain('is there');
    const gone = { url: 'https://pubsub.taleback.invalid' };
    expect(await resultOf(placeCheck({ ...base, place: gone, health }))).toMatchObject({
      code: 'dns_failed',
    });
    const skipped = { skipped: 'Jobs come from runpod.' };
    expect(await resultOf(placeCheck({ ...base, place: skipped }))).toMatchObject({ status: 'skipped' });
  });

  it.each([
    [undefined, 'skipped', 'No worker runs here.'],
    [{ jobs: { open: true }, heartbeat: { open: true } }, 'ok', 'Open: jobs, heartbeat.'],
    [
      { jobs: { open: true }, heartbeat: { open: false, reason: 'Away.' } },
      'warning',
      'Not open: heartbeat. Away.',
    ],
    [{ jobs: { open: false, reason: 'No role.' } }, 'failed', 'Not open: jobs. No role.'],
  ])('streams %j', async (streams, status, summary) => {
    expect(await resultOf(streamsCheck(async () => streams))).toMatchObject({ status, summary });
  });

  it.each([
    [undefined, 'skipped', undefined],
    [{ consume: true, publish: true }, 'ok', undefined],
    [
      { consume: true, publish: false },
      'warning',
      'roles/pubsub.publisher on the topic tts-jobs-dead-letter',
    ],
    [
      { consume: false, publish: true },
      'failed',
      'roles/pubsub.subscriber on the subscription tts-jobs-worker',
    ],
  ])('roles %j', async (grants, status, missing = '') => {
    const result = await resultOf(grantsCheck(parseConfig({}), async () => grants));
    expect(result.status).toBe(status);
    expect(result.summary).toContain(missing);
  });

  it.each([
    [{}, 'PESSIMISTIC', 'skipped'],
    [{ GCLOUD_PROJECT: 'p', FIRESTORE_EMULATOR_HOST: '127.0.0.1:1' }, 'PESSIMISTIC', 'skipped'],
    [{ GCLOUD_PROJECT: 'p' }, 'denied', 'skipped'],
    [{ GCLOUD_PROJECT: 'p' }, 'OPTIMISTIC', 'ok'],
    [{ GCLOUD_PROJECT: 'p' }, 'PESSIMISTIC', 'warning'],
  ])('the concurrency of the database of %j: %s', async (environment, mode, status) => {
    const readMode = async (): Promise<string> => {
      if (mode === 'denied') throw new Error('7 PERMISSION_DENIED');
      return mode;
    };
    expect(await resultOf(concurrencyCheck(environment, readMode))).toMatchObject({ status });
  });

  it('an engine of this machine that is slow, by whose clock ever', async () => {
    const hint = expect.stringContaining('--timeout') as string;
    const slow = { ...engine, probe: () => new Promise<never>(() => {}) };
    const own = { ...engine, probe: () => Promise.reject(new DeadlineExceededError(7_000)) };
    expect(await resultOf(engineCheck(slow, { network, timeoutMs: 20 }))).toMatchObject({
      status: 'failed',
      code: 'timed_out',
      summary: 'It was not ready to speak within 0.02 s.',
      suggestions: [hint, expect.anything()],
    });
    expect(await resultOf(engineCheck(own, { network, timeoutMs: PATIENT_MS }))).toMatchObject({
      code: 'timed_out',
      summary: 'It was not ready to speak within 7 s.',
      suggestions: [hint, expect.anything()],
    });
  });

  it('a deadline within any check is reported as what it is', async () => {
    const late = named('slow', () => Promise.reject(new DeadlineExceededError(3_000)));
    expect(await resultOf(late)).toMatchObject({ code: 'timed_out', summary: 'It took longer than 3 s.' });
  });

  const GIBIBYTE = 2 ** 30;
  it.each([
    [{ freeBytes: 10 * GIBIBYTE }, 'ok', undefined],
    [{ freeBytes: GIBIBYTE / 2 }, 'warning', undefined],
    [{ freeBytes: 1_000 }, 'failed', 'disk_full'],
    [{ freeBytes: 10 * GIBIBYTE, freeFiles: 3 }, 'failed', 'disk_full'],
  ])('a disk with %j', async (space, status, code) => {
    const read = async () => ({ totalBytes: 20 * GIBIBYTE, ...space });
    const result = await resultOf(diskCheck('disk', '/x', read));
    expect([result.status, result.code]).toEqual([status, code]);
  });

  it('the disk of a folder that is not there yet is the disk where it would be', async () => {
    const space = await readDiskSpace('/tmp/not-there/nor-there');
    expect(space.totalBytes).toBeGreaterThan(0);
    expect(space.freeBytes).toBeLessThanOrEqual(space.totalBytes);
  });

  it.each([
    [{ loadPerCore: 0.1, memoryRatio: 0.5 }, 'ok', undefined],
    [{ memoryRatio: 0.9 }, 'warning', undefined],
    [{ loadPerCore: 9 }, 'warning', 'machine_overloaded'],
    [{}, 'skipped', undefined],
  ])('a machine with %j', async (reading, status, code) => {
    const limit = { warning: 0.8, critical: 0.95 };
    const check = machineCheck(async () => reading, {
      memory: limit,
      load: { warning: 1.25, critical: 2.5 },
    });
    const result = await resultOf(check);
    expect([result.status, result.code]).toEqual([status, code]);
  });

  it.each([
    [{ waiting: 0, oldestAgeMs: undefined, givenUp: 0 }, 'ok'],
    [{ waiting: 2, oldestAgeMs: 1_000, givenUp: 0 }, 'ok'],
    [{ waiting: 2, oldestAgeMs: 300_000, givenUp: 0 }, 'warning'],
    [{ waiting: 0, oldestAgeMs: undefined, givenUp: 1 }, 'warning'],
    [{ waiting: 0, oldestAgeMs: undefined, givenUp: 0, isStoreSilent: true }, 'warning'],
    [{ waiting: 2, oldestAgeMs: 3_600_000, givenUp: 1 }, 'failed'],
  ])('an outbox with %j', async (picture, status) => {
    expect(await resultOf(outboxCheck(async () => picture))).toMatchObject({ status });
  });

  it('a program that is there, and one that is not', async () => {
    const about = { name: 'espeak-ng', remedy: 'apt-get install espeak-ng' };
    expect(await resultOf(programCheck({ ...about, version: async () => '1.52' }))).toMatchObject({
      status: 'ok',
    });
    const missing = Object.assign(new Error('spawn espeak-ng ENOENT'), { code: 'ENOENT' });
    expect(await resultOf(programCheck({ ...about, version: () => Promise.reject(missing) }))).toMatchObject({
      status: 'failed',
      code: 'model_unavailable',
      suggestions: ['apt-get install espeak-ng'],
    });
  });
});

describe('formatReport', () => {
  const report: Report = {
    ok: false,
    at: '2026-01-02T00:00:00.000Z',
    checks: [
      { name: 'edge', group: 'engines', status: 'ok', summary: 'Well.', suggestions: [], ms: 1 },
      {
        name: 'disk of audio',
        group: 'storage',
        status: 'failed',
        code: 'disk_full',
        summary: '3 MiB of 10 GiB are free, which is not enough for one more story.',
        details: '/srv/taleback',
        suggestions: ['Make room'],
        ms: 1,
      },
    ],
  };

  it('aligns, breaks lines to the width, and says what to do', () => {
    expect(formatReport(report, { width: 50 })).toBe(
      [
        'Engines',
        '  ✓ edge           Well.',
        '',
        'Storage',
        '  ✗ disk of audio  3 MiB of 10 GiB are free, which',
        '                   is not enough for one more',
        '                   story.',
        '      disk_full: /srv/taleback',
        '      - Make room',
        '',
        'Something is wrong: 1 well, 1 failed.',
      ].join('\n'),
    );
  });

  it('keeps every line within the width and colours marks only when asked', () => {
    for (const width of [40, 60, 100]) {
      for (const line of formatReport(report, { width }).split('\n'))
        expect(line.length).toBeLessThanOrEqual(width);
    }
    expect(formatReport(report)).not.toContain('\u001B');
    expect(formatReport(report, { colour: true })).toContain('\u001B[31m✗\u001B[0m');
  });
});
