import { describe, expect, it } from 'vitest';
import { parseRunpodEnvironment, type RunpodSettings, type RunpodVariables } from './config.ts';
import { chunkAddress, pingAddress, resultAddress, stopAddress, takeAddress } from './platform.ts';

const VARIABLES = {
  RUNPOD_WEBHOOK_GET_JOB: 'https://p/v2/ep/job-take/$ID?gpu=X',
  RUNPOD_WEBHOOK_POST_OUTPUT: 'https://p/v2/ep/job-done/$RUNPOD_POD_ID/$ID?gpu=X',
  RUNPOD_WEBHOOK_POST_STREAM: 'https://p/v2/ep/job-stream/$RUNPOD_POD_ID/$ID?gpu=X',
  RUNPOD_WEBHOOK_PING: 'https://p/v2/ep/ping/$RUNPOD_POD_ID?gpu=X',
  RUNPOD_POD_ID: 'pod7',
  RUNPOD_AI_API_KEY: 'KEY',
};
const parse = (overrides: RunpodVariables = {}): RunpodSettings =>
  parseRunpodEnvironment({ ...VARIABLES, ...overrides }, () => 'made-up');

describe('parseRunpodEnvironment', () => {
  it('reads what the platform sets', () => {
    expect(parse({ RUNPOD_PING_INTERVAL: '4999', RUNPOD_POD_HOSTNAME: 'host' })).toMatchObject({
      pingIntervalMs: 4_000,
      workerId: 'pod7',
      apiKey: 'KEY',
      hostname: 'host',
    });
    expect(parse()).toMatchObject({ pingIntervalMs: 10_000, hostname: 'unknown' });
  });

  it('pings every second at most, also where the reference never does', () => {
    expect(parse({ RUNPOD_PING_INTERVAL: '500' }).pingIntervalMs).toBe(1_000);
  });

  it('sends no pings without a pod id or a key', () => {
    expect(parse({ RUNPOD_POD_ID: '' })).toMatchObject({ workerId: 'made-up', pingTemplate: undefined });
    expect(pingAddress(parse({ RUNPOD_AI_API_KEY: undefined }), [])).toBeUndefined();
  });

  it('names every variable at fault and never the key', () => {
    const variables = {
      RUNPOD_WEBHOOK_GET_JOB: '',
      RUNPOD_WEBHOOK_POST_OUTPUT: 'ftp://x',
      RUNPOD_PING_INTERVAL: 'KEY',
    };
    expect(() => parse(variables)).toThrow(
      /RUNPOD_WEBHOOK_GET_JOB: .+; RUNPOD_WEBHOOK_POST_OUTPUT: .+; RUNPOD_PING_INTERVAL: /,
    );
    expect(() => parse(variables)).not.toThrow(/KEY"/);
  });
});

describe('addresses', () => {
  it.each([
    [takeAddress(parse(), 1, false), 'https://p/v2/ep/job-take/pod7?gpu=X&job_in_progress=0'],
    [
      takeAddress(parse(), 3, true),
      'https://p/v2/ep/job-take-batch/pod7?gpu=X&batch_size=3&job_in_progress=1',
    ],
    [stopAddress(parse()), 'https://p/v2/ep/job-stop/pod7?gpu=X'],
    [resultAddress(parse(), 'pod7', 'j1', true), 'https://p/v2/ep/job-done/pod7/j1?gpu=X&isStream=true'],
    [
      resultAddress(parse(), 'pod6', 'a/b?$&', false),
      'https://p/v2/ep/job-done/pod6/a%2Fb%3F%24%26?gpu=X&isStream=false',
    ],
    [chunkAddress(parse(), 'j1'), 'https://p/v2/ep/job-stream/pod7/j1?gpu=X&isStream=false'],
    [chunkAddress(parse({ RUNPOD_WEBHOOK_POST_STREAM: undefined }), 'j1'), undefined],
    [pingAddress(parse(), ['a', 'b']), 'https://p/v2/ep/ping/pod7?gpu=X&job_id=a%2Cb&runpod_version=1.12.0'],
    [pingAddress(parse(), []), 'https://p/v2/ep/ping/pod7?gpu=X&runpod_version=1.12.0'],
  ])('%s', (made, expected) => {
    expect(made).toBe(expected);
  });

  it('works with templates without a query, and knows when there is no stop address', () => {
    const bare = parse({ RUNPOD_WEBHOOK_GET_JOB: 'https://p/jobs/$ID' });
    expect(takeAddress(bare, 1, false)).toBe('https://p/jobs/pod7?job_in_progress=0');
    expect(stopAddress(bare)).toBeUndefined();
  });
});
