import { TalebackError } from '@taleback/core';
import { describe, expect, it } from 'vitest';
import type { EngineUnderTest, NetworkProbe } from '@taleback/speech/diagnosis';
import { examine, type Report } from './examine.ts';
import { engineChecks } from './engine-checks.ts';

/** Everybody takes connections. */
const network: NetworkProbe = {
  resolve: async () => ['127.0.0.1'],
  connect: async () => ({
    address: '127.0.0.1',
    handshake: async () => ({ ok: true, protocol: 'TLSv1.3' }),
    close: () => {},
  }),
};

const engine = (name: string, ...voices: string[]): EngineUnderTest => ({
  name,
  probe: async () => ({ details: 'It speaks.' }),
  voices: () => voices.map((id) => ({ id })),
});

const away = (name: string): EngineUnderTest => ({
  ...engine(name),
  probe: () => Promise.reject(new TalebackError('model_unavailable', 'It is away.')),
});

const lookFor = (voiceId: string, ...engines: EngineUnderTest[]): Promise<Report> =>
  examine(engineChecks(engines, { network, voiceId, timeoutMs: 50_000 }));

const toldBy = ({ checks }: Report): unknown => checks.map(({ name, status, code }) => [name, status, code]);

describe('the wished voice', () => {
  it('has to be that of one engine of several', async () => {
    const report = await lookFor('slt', engine('kokoro', 'af_bella'), engine('flite', 'slt'));
    expect(toldBy(report)).toEqual([
      ['kokoro', 'ok', undefined],
      ['flite', 'ok', undefined],
      ['voice', 'ok', undefined],
    ]);
    expect(report.checks.at(-1)?.summary).toBe('The voice "slt" is there: flite.');
  });

  it('is missed once when none has it', async () => {
    const report = await lookFor('nobody', engine('kokoro', 'af_bella'), engine('flite', 'slt', 'rms'));
    expect(toldBy(report)).toEqual([
      ['kokoro', 'ok', undefined],
      ['flite', 'ok', undefined],
      ['voice', 'failed', 'voice_not_found'],
    ]);
    expect(report.checks.at(-1)).toMatchObject({
      summary: 'No engine has the voice "nobody".',
      details: 'kokoro has af_bella; flite has slt, rms',
    });
  });

  it('is looked for when all were asked: an engine elsewhere knows its voices then', async () => {
    const voices: { id: string }[] = [];
    const late: EngineUnderTest = {
      name: 'kokoro',
      endpoint: 'http://kokoro.example',
      probe: async () => {
        voices.push({ id: 'af_heart' });
        return { details: 'It answers.' };
      },
      voices: () => voices,
    };
    expect((await lookFor('af_heart', engine('flite', 'slt'), late)).ok).toBe(true);
  });

  it('may be that of an engine that is away', async () => {
    const report = await lookFor('af_bella', away('kokoro'), engine('flite', 'slt'));
    expect(toldBy(report)).toEqual([
      ['kokoro', 'failed', 'model_unavailable'],
      ['flite', 'ok', undefined],
      ['voice', 'failed', 'voice_not_found'],
    ]);
    expect(report.checks.at(-1)?.suggestions[0]).toContain('kokoro');
  });

  it('is the business of the only engine', async () => {
    expect(toldBy(await lookFor('nobody', engine('flite', 'slt')))).toEqual([
      ['flite', 'failed', 'voice_not_found'],
    ]);
  });
});

describe('an engine that takes connections and says nothing', () => {
  const chatterbox: EngineUnderTest = {
    ...engine('chatterbox'),
    endpoint: 'http://127.0.0.1:8004',
    probe: () => Promise.reject(new TalebackError('timed_out', 'No answer.')),
  };
  const look = async (isAtWork?: (name: string) => Promise<boolean>) =>
    (await examine(engineChecks([chatterbox], { network, isAtWork, timeoutMs: 50_000 }))).checks[0];

  it.each([
    ['no worker that is asked', undefined],
    ['a worker that does not wait for it', async () => false],
    ['a worker that answers nonsense', () => Promise.reject(new Error('nonsense'))],
  ])('may be at work, for all that is known by %s', async (_, isAtWork) => {
    const told = await look(isAtWork);
    expect(told).toMatchObject({ status: 'failed', code: 'timed_out' });
    expect(told?.suggestions[0]).toMatch(/at work on a story.* one request at a time .*--timeout 120/);
  });

  it('is nothing but a warning while the worker waits for it', async () => {
    const told = await look(async (name) => name === 'chatterbox');
    expect(told).toMatchObject({ status: 'warning', code: 'timed_out' });
    expect(told?.summary).toContain('at work for the worker that runs here');
    expect(told?.suggestions[0]).toContain('--timeout 120');
  });
});

const kokoro = (speak: NonNullable<EngineUnderTest['speak']>): EngineUnderTest => ({
  ...engine('kokoro', 'af_heart'),
  endpoint: 'http://127.0.0.1:8880',
  speak,
});

const never = (): Promise<never> => new Promise(() => {});

const lookAtKokoro = async (
  speak: NonNullable<EngineUnderTest['speak']>,
  timeoutMs = 50_000,
  isAtWork = false,
) => {
  const options = { network, isAtWork: async () => isAtWork, timeoutMs };
  return (await examine(engineChecks([kokoro(speak)], options))).checks[0];
};

describe('an engine that lists its voices', () => {
  it('seed 002: is well only if it speaks', async () => {
    expect(await lookAtKokoro(async () => {})).toMatchObject({
      status: 'ok',
      summary: expect.stringContaining('speaks') as string,
    });
    const error = new TalebackError('audio_missing', 'No audio was received.');
    expect(await lookAtKokoro(() => Promise.reject(error))).toMatchObject({
      status: 'failed',
      code: 'audio_missing',
    });
  });

  it('is a warning while it speaks for the worker, else a fault', async () => {
    expect(await lookAtKokoro(never, 100)).toMatchObject({ status: 'failed', code: 'timed_out' });
    expect(await lookAtKokoro(never, 100, true)).toMatchObject({ status: 'warning', code: 'timed_out' });
  });
});
