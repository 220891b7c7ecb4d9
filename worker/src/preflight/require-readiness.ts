import { describeError, type ErrorCode, TalebackError } from '@taleback/core';

/** What was last heard of an engine. Unknown: nobody has asked it yet, or too long ago. */
export type EngineReadiness =
  | { readonly state: 'ready' | 'unknown' }
  | { readonly state: 'unfit'; readonly code: ErrorCode; readonly details?: string | undefined };

/**
 * Requires one engine that is ready or might be. If there is none, one that may come back later decides what is thrown,
 * before those that a person has to mend.
 *
 * @param engines at least one, in the order of the chain
 * @throws TalebackError the code that was heard of an engine, such as `model_unavailable` or `credentials_invalid`
 */
export const requireReadiness = (
  engines: readonly string[],
  readinessOf: (engine: string) => EngineReadiness,
): void => {
  const unfit: { readonly code: ErrorCode; readonly words: string }[] = [];
  for (const engine of engines) {
    const readiness = readinessOf(engine);
    if (readiness.state !== 'unfit') return;
    const { code, details } = readiness;
    unfit.push({ code, words: `${engine}: ${code}${details === undefined ? '' : ` (${details})`}` });
  }
  const code = unfit.find((one) => describeError(one.code).retryable)?.code ?? unfit[0]?.code;
  if (code === undefined)
    throw new TalebackError('model_unavailable', 'There is no engine.', { details: 'engine: none' });
  throw new TalebackError(code, describeError(code).sentence, {
    details: `engine: ${unfit.map(({ words }) => words).join('; ')}`,
  });
};
