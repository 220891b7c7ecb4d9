import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatWav } from '../audio/wav.ts';
import { type FakeConnection, rawFrame, startFake } from '../../test/protocol/fake-connection.ts';
import { cutAt, hostileEnd, hostileLine, isFatal } from '../../test/protocol/hostile-lines.ts';

/** How a child answers a call, if it does; `again` says the same a second time, with other sound. */
const HOW = ['raw', 'base64', 'file', 'error', 'foreign', 'silent', 'nonsense'] as const;
type How = (typeof HOW)[number];

interface Answer {
  readonly how: How;
  readonly isTwice: boolean;
  readonly order: number;
  readonly samples: Int16Array<ArrayBuffer>;
}

const samples = fc.int16Array({ maxLength: 30 }).map((given) => Int16Array.from(given));
const answers = fc.array(
  fc.record({ how: fc.constantFrom(...HOW), isTwice: fc.boolean(), order: fc.nat(), samples }),
  { minLength: 1, maxLength: 8 },
);
const lines = fc.array(fc.tuple(fc.nat(), hostileLine), { maxLength: 8 });
const cuts = fc.array(fc.nat(100_000), { maxLength: 30 });

const lineOf = (message: object): Buffer => Buffer.from(`${JSON.stringify(message)}\n`);

const frameOf = (fake: FakeConnection, id: string, index: number, { how, samples }: Answer): Buffer => {
  const respond = (payload: object): Buffer =>
    lineOf({ version: '2.0.0', type: 'response', payload, metadata: { correlationId: id } });
  const bytes = new Uint8Array(samples.buffer);
  const path = `/sounds/${index + 1}.wav`;
  if (how === 'file') fake.files.contents.set(path, formatWav({ sampleRateHz: 16_000, samples }));
  const frames: Record<How, () => Buffer> = {
    raw: () => rawFrame(id, bytes),
    base64: () =>
      respond({
        type: 'audio',
        encoding: 'pcm_s16le',
        sample_rate: 16_000,
        audio_base64: Buffer.from(bytes).toString('base64'),
      }),
    file: () => respond({ type: 'audio', encoding: 'wav', output_path: path }),
    error: () => respond({ type: 'error', code: 'model_failed', message: `no ${id}` }),
    foreign: () => respond({ type: 'audio', encoding: 'wav', output_path: '/sounds/99.wav' }),
    nonsense: () => respond({ type: 'audio', encoding: 'ogg', audio_base64: 7 }),
    silent: () => Buffer.alloc(0),
  };
  return frames[how]();
};

/** What the caller of this call must be reported. */
const expectedOf = (id: string, { how, samples }: Answer): unknown[] => {
  if (how === 'silent') return [];
  if (how === 'raw' || how === 'base64' || how === 'file') return [['spoken', id, [16_000, ...samples]]];
  return [failed(id)];
};

const say = async (fake: FakeConnection, stream: Buffer, at: readonly number[]): Promise<void> => {
  for (const chunk of cutAt(stream, at)) fake.child.say(chunk);
  await fake.clock.settle();
};

const of = (fake: FakeConnection, id: string): unknown[] => fake.reported.filter(([, about]) => about === id);

/** A failure of the model, in whatever words. */
const failed = (id: string): unknown => ['failed', id, 'model_failed', expect.any(String)];

describe('a connection to a child that writes whatever it likes', () => {
  it('gives every caller its own sound, or its end', async () => {
    await fc.assert(
      fc.asyncProperty(answers, lines, hostileEnd, cuts, async (given, noise, end, at) => {
        const fake = startFake();
        fake.child.hello({ version: '2.0.0' });
        fake.child.announce({ type: 'ready' });
        const { connection, child, reported, files } = fake;
        const ids = given.map((_, index) => `req-${index}`);
        for (const id of ids)
          connection.speak({ correlationId: id, retryCount: 0, request: { text: id, voiceId: 'v' } });
        const parts = given.map((answer, index) => {
          const frame = frameOf(fake, ids[index] ?? '', index, answer);
          const again = frameOf(fake, ids[index] ?? '', index, { ...answer, how: 'error' });
          const isTwice = answer.isTwice && answer.how !== 'silent';
          return { order: answer.order, bytes: Buffer.concat(isTwice ? [frame, again] : [frame]) };
        });
        const noisy = noise.map(([order, line]) => ({
          order,
          bytes: Buffer.concat([line, Buffer.from('\n')]),
        }));
        const mixed = [...parts, ...noisy].sort((a, b) => a.order - b.order);
        await say(fake, Buffer.concat([...mixed.map(({ bytes }) => bytes), end]), at);

        for (const [index, answer] of given.entries()) {
          const id = ids[index] ?? '';
          expect(of(fake, id)).toEqual(expectedOf(id, answer));
        }
        expect(child.kills).toBe(isFatal(end) ? 1 : 0);
        child.end();
        await fake.clock.settle();
        expect(reported.filter(([kind]) => kind === 'end')).toHaveLength(1);
        expect(reported.at(-1)?.[0]).toBe('end');
        expect(files.left).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });

  it('in 1.0 never takes one answer for another', async () => {
    const step = fc.record({
      how: fc.constantFrom('file', 'error', 'late', 'foreign'),
      noise: fc.array(
        hostileLine.filter((line) => !line.includes('"success"')),
        { maxLength: 3 },
      ),
      samples,
      at: cuts,
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
        const fake = startFake(['1.0.0']);
        fake.clock.advance(0);
        for (const [index, { how, noise, samples, at }] of steps.entries()) {
          const id = `req-${index}`;
          const path = `/sounds/${index + 1}.wav`;
          fake.connection.speak({ correlationId: id, retryCount: 0, request: { text: id, voiceId: 'v' } });
          fake.files.contents.set(path, formatWav({ sampleRateHz: 16_000, samples }));
          const late =
            how === 'late' && index > 0
              ? [lineOf({ success: true, output_path: `/sounds/${index}.wav` })]
              : [];
          const isSound = how === 'file' || how === 'late';
          const answer = isSound
            ? { success: true, output_path: path }
            : how === 'foreign'
              ? { success: true, output_path: '/etc/passwd' }
              : { success: false, error: 'the model failed' };
          const noisy = noise.flatMap((line) => [line, Buffer.from('\n')]);
          await say(fake, Buffer.concat([...noisy, ...late, lineOf(answer)]), at);
          const reported = isSound ? ['spoken', id, [16_000, ...samples]] : failed(id);
          expect(of(fake, id)).toEqual([reported]);
        }
        expect(fake.files.left).toEqual([]);
        expect(fake.child.kills).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  it('survives any first words', async () => {
    const first = fc.array(fc.oneof(hostileLine, fc.uint8Array({ maxLength: 30 })), { maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(first, cuts, async (words, at) => {
        const fake = startFake();
        await say(fake, Buffer.concat(words.flatMap((word) => [word, Buffer.from('\n')])), at);
        await fake.clock.advanceAsync(5_000);
        expect(fake.reported.map(([kind]) => kind)).toEqual(['ready']);
        fake.child.end();
        expect(fake.reported.map(([kind]) => kind)).toEqual(['ready', 'end']);
      }),
      { numRuns: 300 },
    );
  });
});
