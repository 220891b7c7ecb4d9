import { type ErrorCode, TalebackError, toTalebackError } from '@taleback/core';
import { type CallOutcome, type Classification, classifyHttpStatus } from '@taleback/resilience';
import type { RunpodAnswer } from './runpod-http.ts';
import type { RunpodAway, RunpodRefused } from './runpod-outcomes.ts';

const MAX_EXCERPT_CHARACTERS = 300;

/** The addresses of a job hold its token, and RunPod may repeat what it was sent. */
const excerptOf = (text: string): string =>
  text.replace(/(token=)[\w%-]+/g, '$1redacted').slice(0, MAX_EXCERPT_CHARACTERS);

const STATUS_CODES: ReadonlyMap<number, ErrorCode> = new Map([
  [401, 'credentials_invalid'],
  [402, 'provider_quota_exceeded'],
  [403, 'permission_denied'],
  [429, 'provider_rate_limited'],
]);

const codeOf = ({ status, text }: RunpodAnswer): ErrorCode => {
  const known = STATUS_CODES.get(status);
  if (known !== undefined) return known;
  if (classifyHttpStatus(status).retryable || status >= 500) return 'provider_unavailable';
  return /quota|insufficient.{0,10}(credit|balance|funds)/i.test(text)
    ? 'provider_quota_exceeded'
    : 'provider_rejected';
};

/** An answer of RunPod that is not the one that was asked for. */
export class RunpodAnswered extends TalebackError {
  readonly answer: RunpodAnswer;

  constructor(answer: RunpodAnswer) {
    super(codeOf(answer), `RunPod answered ${answer.status}: ${excerptOf(answer.text)}`);
    this.answer = answer;
  }
}

/** No answer at all is worth another try; an answer by its status. */
export const classifyRunpodFault = (error: unknown, nowMs: number): Classification =>
  error instanceof RunpodAnswered
    ? classifyHttpStatus(error.answer.status, error.answer.retryAfter, nowMs)
    : { retryable: true };

/** Not the story's fault whatever the words are: of a call that got no answer, only its network may be told apart. */
const unansweredCode = (error: unknown): ErrorCode => {
  const { category, code } = toTalebackError(error);
  return category === 'network' ? code : 'provider_unavailable';
};

/** Puts a call that did not succeed into an outcome. */
export const runpodFailure = (
  outcome: Exclude<CallOutcome<unknown>, { kind: 'succeeded' }>,
): RunpodRefused | RunpodAway => {
  const { lastError } = outcome;
  if (lastError instanceof RunpodAnswered && outcome.kind === 'not-retryable') {
    const { code, message, answer } = lastError;
    return { kind: 'refused', status: answer.status, code, cause: message };
  }
  if (lastError instanceof RunpodAnswered)
    return { kind: 'away', code: lastError.code, cause: lastError.message };
  if (lastError === undefined && outcome.kind === 'rejected')
    return { kind: 'away', code: 'circuit_open', cause: 'RunPod is left alone after several failures' };
  const words = lastError instanceof Error ? lastError.message : String(lastError);
  return {
    kind: 'away',
    code: unansweredCode(lastError),
    cause: `no answer from RunPod: ${excerptOf(words)}`,
  };
};
