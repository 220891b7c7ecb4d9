import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseWav } from '../../audio/wav.ts';
import { cutAt, hostileEnd, hostileLine, isFatal } from '../../../test/protocol/hostile-lines.ts';
import { type FakeHost, type Said, soundOf, startHost } from '../../../test/protocol/fake-host.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'taleback-fuzz-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const HOW = ['raw', 'line', 'file', 'bare', 'badBare', 'bad', 'ping', 'cancel', 'garbage'] as const;
interface Step {
  readonly how: (typeof HOW)[number];
  readonly text: string;
  readonly garbage: Buffer;
}
const step: fc.Arbitrary<Step> = fc.record({
  how: fc.constantFrom(...HOW),
  text: fc.oneof(
    fc.string({ unit: fc.constantFrom('a', 'ä', '\n', '"', '\ud83d\ude00', '\ud800', '\u0000') }),
    fc.nat(40).map((delayMs) => `${delayMs} late`),
  ),
  garbage: hostileLine,
});

const enveloped = (id: string, payload: object, version = '2.1.0'): string =>
  JSON.stringify({ version, type: 'request', payload, metadata: { correlationId: id } });

const lineOf = ({ how, text, garbage }: Step, index: number): string | Buffer => {
  const id = `req-${index}`;
  const output_path = join(folder, `${index}.wav`);
  const payload = { type: 'synthesize', text, voice: id };
  const lines: Record<Step['how'], () => string | Buffer> = {
    raw: () => enveloped(id, payload),
    line: () => enveloped(id, payload, '2.0.0'),
    file: () => enveloped(id, { ...payload, output_path }, '2.0.0'),
    bare: () => JSON.stringify({ ...payload, output_path }),
    badBare: () => JSON.stringify({ ...payload, text: 7 }),
    bad: () => enveloped(id, { ...payload, options: text }),
    ping: () => enveloped(id, { type: 'ping' }),
    cancel: () => enveloped(id, { type: 'cancel', correlation_id: `req-${index - 1}` }),
    garbage: () => garbage,
  };
  return lines[how]();
};

const samplesOf = ({ message, raw }: Said): number[] => {
  if (raw !== undefined) return [...new Int16Array(Uint8Array.from(raw).buffer)];
  const payload = (message['payload'] ?? message) as { audio_base64?: string; output_path: string };
  const { audio_base64: text, output_path: path } = payload;
  return [...parseWav(text === undefined ? readFileSync(path) : Buffer.from(text, 'base64')).samples];
};

/** Compares the one answer to a step with what it must be. */
const check = (step: Step, index: number, answer: Said, isCancelled: boolean): void => {
  const { code, type } = (answer.message['payload'] ?? answer.message) as Record<string, unknown>;
  if (step.how === 'bad' || step.how === 'badBare') expect(code).toBe('request_invalid');
  else if (step.how === 'ping') expect(type).toBe('pong');
  else if (!isCancelled || code === undefined) {
    expect(code).toBeUndefined();
    expect(samplesOf(answer)).toEqual([...soundOf(`req-${index}:${step.text}`).samples]);
  } else expect(code).toBe('job_cancelled');
};

const isAnswerTo =
  (id: string) =>
  (said: Said): boolean =>
    (said.message['metadata'] as { correlationId?: string } | undefined)?.correlationId === id;

const run = async (steps: readonly Step[], end: Buffer, cuts: readonly number[]): Promise<FakeHost> => {
  const host = startHost();
  host.loaded();
  const lines = steps.flatMap((step, index) => [
    Buffer.from(lineOf(step, index) as string),
    Buffer.from('\n'),
  ]);
  for (const chunk of cutAt(Buffer.concat([...lines, end]), cuts)) host.hear(chunk);
  await host.clock.advanceAsync(2_000);
  host.flush();
  return host;
};

describe('a child that is sent whatever there is', () => {
  const steps = fc.array(step, { maxLength: 12 });
  const cuts = fc.array(fc.nat(100_000), { maxLength: 30 });

  it('answers every request once, with its own sound', async () => {
    const harmless = hostileEnd.filter((end) => !isFatal(end));
    await fc.assert(
      fc.asyncProperty(steps, harmless, cuts, async (steps, end, cuts) => {
        const host = await run(steps, end, cuts);
        expect(host.strays).toEqual([]);
        expect(host.exits).toEqual([]);
        const bare = host.said.filter(({ message }) => message['version'] === undefined);
        for (const [index, step] of steps.entries()) {
          if (step.how === 'garbage' || step.how === 'cancel') continue;
          const isBare = step.how === 'bare' || step.how === 'badBare';
          const answers = isBare ? bare.splice(0, 1) : host.said.filter(isAnswerTo(`req-${index}`));
          expect(answers).toHaveLength(1);
          const isCancelled = steps[index + 1]?.how === 'cancel' && !isBare;
          check(step, index, answers[0] as Said, isCancelled);
        }
        expect(bare).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it('leaves, and says why, when the rest cannot be read', async () => {
    const fatal = hostileEnd.filter(isFatal);
    await fc.assert(
      fc.asyncProperty(steps, fatal, cuts, async (steps, end, cuts) => {
        const host = await run(steps, end, cuts);
        expect(host.strays).toEqual([]);
        expect(host.exits).toEqual([1]);
        expect(host.logged.filter((line) => line.startsWith('the input is broken: '))).toHaveLength(1);
        for (const index of steps.keys()) {
          expect(host.said.filter(isAnswerTo(`req-${index}`)).length).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 150 },
    );
  });
});
