import { describe, expect, test } from 'vitest';
import { formatWav } from '../../audio/wav.ts';
import { speak } from './flite-engine.ts';
import type { ProgramEnd, ProgramRun } from './flite-program.node.ts';

const wavOf = (amplitude: number, sampleCount = 100) =>
  formatWav({ sampleRateHz: 16_000, samples: new Int16Array(sampleCount).fill(amplitude) });

const runThatEnds = (run: Partial<ProgramRun>) => (): ProgramRun => ({
  end: { kind: 'returned' },
  output: wavOf(5000),
  printed: '',
  ...run,
});

const CHUNK = { text: 'Hello.', voiceId: 'slt' };

const argsFor = (chunk: Parameters<typeof speak>[1]): readonly string[] => {
  let seen: readonly string[] = [];
  speak((args) => {
    seen = args;
    return runThatEnds({})();
  }, chunk);
  return seen;
};

describe('the arguments of flite', () => {
  test('the voice, the text and the file', () => {
    expect(argsFor(CHUNK)).toEqual(['-voice', 'slt', '-t', 'Hello.', '-o', 'out.wav']);
  });

  test('the text in one clean line', () => {
    expect(argsFor({ ...CHUNK, text: '-o \u201cx\u201d\n\n--help' })[3]).toBe('-o "x" --help');
  });

  test('the rate as a stretch of time', () => {
    expect(argsFor({ ...CHUNK, speed: 0.5 })).toContain('duration_stretch=2');
    expect(argsFor({ ...CHUNK, speed: 1 })).not.toContain('--setf');
  });
});

const exited = (exitCode: number): ProgramEnd => ({ kind: 'exited', exitCode });

describe('the result of a run', () => {
  test.each<[string, Partial<ProgramRun>, string, string]>([
    ['a trap', { end: { kind: 'trapped', reason: 'unreachable' } }, 'model_failed', 'trap: unreachable'],
    ['an exit', { end: exited(2), printed: 'no voice\n' }, 'model_failed', 'exit code 2; no voice'],
    ['no file', { output: new Uint8Array(0), printed: 'hm' }, 'audio_missing', 'hm'],
    ['an empty file', { output: wavOf(0, 0) }, 'audio_missing', ''],
  ])('%s', (_name, run, code, details) => {
    expect(() => speak(runThatEnds(run), CHUNK)).toThrow(expect.objectContaining({ code, details }));
  });

  test('a short text without sound is spelled out', () => {
    const said: (string | undefined)[] = [];
    const { samples } = speak((args) => {
      said.push(args[3]);
      return runThatEnds({ output: wavOf(said.length === 1 ? 25 : 5000) })();
    }, CHUNK);
    expect([said, samples[0]]).toEqual([['Hello.', 'H e l l o .'], 5000]);
  });

  test('silence is no success', () => {
    expect(() => speak(runThatEnds({ output: wavOf(25) }), { ...CHUNK, text: 'x '.repeat(40) })).toThrow(
      expect.objectContaining({ code: 'audio_silent' }),
    );
  });

  test('an exit with 0 is one', () => {
    expect(speak(runThatEnds({ end: exited(0) }), CHUNK).samples).toHaveLength(100);
  });
});
