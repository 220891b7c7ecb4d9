import type { EngineUnderTest } from '@taleback/speech/src/diagnosis/engine-under-test.ts';
import type { Check, CheckStatus, Finding } from './check.ts';
import { type EngineCheckOptions, engineCheck } from './engine-check.ts';

/** What a check of an engine came to; without a status it broke. */
interface AskedEngine {
  readonly engine: EngineUnderTest;
  readonly status: CheckStatus | undefined;
}

/** So many voices of an engine are named; a service may have hundreds. */
const MAX_NAMED_VOICES = 20;

const voicesOf = ({ voices }: EngineUnderTest): readonly string[] => voices().map(({ id }) => id);

const listed = (engine: EngineUnderTest): string => {
  const voices = voicesOf(engine);
  const more = voices.length > MAX_NAMED_VOICES ? ` and ${voices.length - MAX_NAMED_VOICES} more` : '';
  return `${engine.name} has ${voices.slice(0, MAX_NAMED_VOICES).join(', ') || 'none'}${more}`;
};

const judgeVoice = (voiceId: string, asked: readonly AskedEngine[]): Finding => {
  const owners = asked.filter(({ engine }) => voicesOf(engine).includes(voiceId));
  const namesOf = (some: readonly AskedEngine[]): string => some.map(({ engine }) => engine.name).join(', ');
  if (owners.length > 0)
    return { status: 'ok', summary: `The voice "${voiceId}" is there: ${namesOf(owners)}.` };
  const silent = asked.filter(({ status }) => status !== 'ok');
  return {
    status: 'failed',
    code: 'voice_not_found',
    summary: `No engine${silent.length > 0 ? ' that answers' : ''} has the voice "${voiceId}".`,
    details: asked.map(({ engine }) => listed(engine)).join('; '),
    suggestions: [
      ...(silent.length > 0 ? [`Mend first what did not answer, which may have it: ${namesOf(silent)}`] : []),
      'Choose one of the voices that the engines have',
    ],
  };
};

/** The same check, and a promise of what it comes to, which never rejects. */
const watched = (engine: EngineUnderTest, options: EngineCheckOptions) => {
  const check = engineCheck(engine, options);
  let settle: ((asked: AskedEngine) => void) | undefined;
  const asked = new Promise<AskedEngine>((resolve) => {
    settle = resolve;
  });
  const run: Check['run'] = async (signal) => {
    let status: CheckStatus | undefined;
    try {
      const finding = await check.run(signal);
      ({ status } = finding);
      return finding;
    } finally {
      settle?.({ engine, status });
    }
  };
  return { check: { ...check, run }, asked };
};

/**
 * The checks of all engines. Of several, any may have the wished voice: it is judged once, when all were asked. They are
 * to be run together.
 */
export const engineChecks = (
  engines: readonly EngineUnderTest[],
  options: EngineCheckOptions,
): readonly Check[] => {
  const { voiceId } = options;
  if (voiceId === undefined || engines.length < 2)
    return engines.map((engine) => engineCheck(engine, options));
  const all = engines.map((engine) => watched(engine, { ...options, voiceId: undefined }));
  return [
    ...all.map(({ check }) => check),
    {
      name: 'voice',
      group: 'engines',
      run: async () => judgeVoice(voiceId, await Promise.all(all.map(({ asked }) => asked))),
    },
  ];
};
