import { type ErrorCode, errorWords, TalebackError, toTalebackError } from '@taleback/core';
import { type CallOutcome, type Classification, classifyHttpStatus } from '@taleback/resilience';

export interface RunpodAnswer {
  readonly status: number;
  /** The raw header. */
  readonly retryAfter: string | undefined;
  readonly text: string;
}

/** RunPod refused; a retry would be refused as well. */
export interface RunpodRefused {
  readonly kind: 'refused';
  readonly status: number;
  readonly code: ErrorCode;
  /** Technical, without any secret. */
  readonly cause: string;
}

/** No try got a useful answer from RunPod. */
export interface RunpodAway {
  readonly kind: 'away';
  readonly code: ErrorCode;
  readonly cause: string;
}

const MAX_EXCERPT_CHARACTERS = 300;

/** The addresses of a job contain its token, and RunPod may repeat its input. */
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

/** An answer of RunPod that is not a success. */
export class RunpodAnswered extends TalebackError {
  readonly answer: RunpodAnswer;

  constructor(answer: RunpodAnswer) {
    super(codeOf(answer), `RunPod answered ${answer.status}: ${excerptOf(answer.text)}`);
    this.answer = answer;
  }
}

/** No answer at all is retried; an answer by its status. */
export const classifyRunpodFault = (error: unknown, nowMs: number): Classification =>
  error instanceof RunpodAnswered
    ? classifyHttpStatus(error.answer.status, error.answer.retryAfter, nowMs)
    : { retryable: true };

/** Never the story's fault, whatever the message says: only network faults are distinguished. */
const unansweredCode = (error: unknown): ErrorCode => {
  const { category, code } = toTalebackError(error);
  return category === 'network' ? code : 'provider_unavailable';
};

/** The outcome of a call that did not succeed. */
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
    return { kind: 'away', code: 'circuit_open', cause: 'RunPod is not called after several failures' };
  return {
    kind: 'away',
    code: unansweredCode(lastError),
    cause: `no answer from RunPod: ${excerptOf(errorWords(lastError))}`,
  };
};
