import { type ErrorCode, isErrorCode } from './catalogue.ts';
import { TalebackError, isTalebackError } from './taleback-error.ts';

/** One row: the first pattern that matches the sender's words gives the code. Order matters, specific rows first. */
export interface ClassificationRow {
  readonly pattern: RegExp;
  readonly code: ErrorCode;
}

/** `metadata.error_type` as Python handlers in the field send it. */
const ERROR_TYPES: Readonly<Record<string, ErrorCode>> = {
  voice_profile_missing: 'voice_profile_missing',
  tts_model_error: 'model_failed',
  text_validation_error: 'text_invalid',
  callback_failed: 'callback_undeliverable',
  timeout: 'timed_out',
  storage_error: 'storage_upload_failed',
  gpu_memory_error: 'gpu_out_of_memory',
};

export const CLASSIFICATION_TABLE: readonly ClassificationRow[] = [
  {
    pattern:
      /cuda.{0,40}out of memory|gpu (memory|out of memory)|cublas_status_alloc_failed|hip out of memory/i,
    code: 'gpu_out_of_memory',
  },
  { pattern: /no space left|enospc|disk (space|full|quota)|edquot/i, code: 'disk_full' },
  {
    pattern: /out of memory|insufficient memory|enomem|memoryerror|heap limit|oom.?kill/i,
    code: 'memory_exhausted',
  },

  {
    pattern:
      /voice profile.{0,40}(not found|missing|does not exist)|(missing|no) voice profile|voice_profile_missing/i,
    code: 'voice_profile_missing',
  },
  {
    pattern: /voice profile.{0,60}(\bformat|unsupported)|(invalid|unsupported) (voice )?profile format/i,
    code: 'voice_profile_format_invalid',
  },
  {
    pattern: /voice profile.{0,60}(corrupt|damaged|invalid|decode)|corrupt(ed)? voice/i,
    code: 'voice_profile_corrupt',
  },
  { pattern: /voice.{0,60}(language mismatch|does not (speak|support))/i, code: 'voice_language_mismatch' },
  {
    pattern:
      /(unknown|invalid|unsupported|no such) voice|voice.{0,60}(not found|does not exist|not available|unknown)|voice_not_found/i,
    code: 'voice_not_found',
  },

  {
    pattern: /(unsupported|unknown|invalid) language|language.{0,40}not supported/i,
    code: 'language_unsupported',
  },
  { pattern: /unsupported script|script.{0,40}not supported/i, code: 'script_unsupported' },
  {
    pattern:
      /text.{0,40}too long|(exceeds|over).{0,30}character(s)? (limit|maximum)|max_character_limit_exceeded/i,
    code: 'text_too_long',
  },
  { pattern: /text.{0,40}too short/i, code: 'text_too_short' },
  { pattern: /(text|input).{0,20}(is )?(empty|required|missing)|no text/i, code: 'text_empty' },
  {
    pattern: /(text|invalid).{0,20}encoding|unicode(decode|encode)error|invalid utf-?8/i,
    code: 'text_encoding_invalid',
  },
  { pattern: /disallowed char|text validation/i, code: 'text_invalid' },

  { pattern: /noaudioreceived|no audio (was )?received|no audio data/i, code: 'audio_missing' },
  { pattern: /silent audio|audio.{0,20}silent/i, code: 'audio_silent' },

  {
    pattern: /quota|insufficient.{0,10}(credit|balance|funds)|payment required/i,
    code: 'provider_quota_exceeded',
  },
  {
    pattern: /invalid.{0,5}api.{0,3}key|unauthori[sz]ed|\b401\b|authentication failed|bad credentials/i,
    code: 'credentials_invalid',
  },
  { pattern: /service account/i, code: 'service_account_invalid' },
  { pattern: /permission|forbidden|access ?denied|\b403\b/i, code: 'permission_denied' },
  {
    pattern: /rate.?limit|too many (concurrent )?requests|too_many_concurrent_requests|system_busy|\b429\b/i,
    code: 'provider_rate_limited',
  },

  { pattern: /circuit.?breaker|circuit (is )?open/i, code: 'circuit_open' },
  { pattern: /system protection|protection mode/i, code: 'system_protection' },
  { pattern: /(tts|synthesis).{0,20}disabled/i, code: 'synthesis_disabled' },
  { pattern: /queue.{0,10}full/i, code: 'queue_full' },
  { pattern: /cancell?ed/i, code: 'job_cancelled' },

  {
    pattern: /(upload|storage|bucket|\br2\b|\bs3\b).{0,40}(unavailable|unreachable|down)/i,
    code: 'storage_unavailable',
  },
  {
    pattern: /(upload|storage|bucket|\br2\b|\bs3\b).{0,60}(fail|error|issue)|failed to (upload|store|save)/i,
    code: 'storage_upload_failed',
  },

  { pattern: /enotfound|eai_again|getaddrinfo|name or service not known|dns/i, code: 'dns_failed' },
  // Of a server that restarts or sheds load; its words name TLS, but nothing is wrong with that.
  { pattern: /econnreset|epipe|before secure tls connection/i, code: 'network_unreachable' },
  { pattern: /certificate|\bssl\b|\btls\b|self.signed|cert_/i, code: 'tls_failed' },
  { pattern: /(?<!gateway )time(d)? ?-?out|etimedout|deadline exceeded|timeouterror/i, code: 'timed_out' },
  {
    pattern:
      /econnrefused|ehostunreach|enetunreach|socket hang up|connection (refused|reset|error)|network|und_err_socket|fetch failed/i,
    code: 'network_unreachable',
  },
  { pattern: /overload|cpu.{0,20}(usage|load)|load average/i, code: 'machine_overloaded' },

  { pattern: /model.{0,60}(not available|unavailable|not ready|not loaded)/i, code: 'model_unavailable' },
  {
    pattern: /(load|loading|initiali[sz]).{0,40}model|model.{0,40}(load|initiali[sz])/i,
    code: 'model_loading_failed',
  },
  {
    pattern: /\b(502|503|504)\b|service unavailable|bad gateway|gateway timeout/i,
    code: 'provider_unavailable',
  },
  { pattern: /model|generat(e|ion)|synthesi[sz]|inference/i, code: 'model_failed' },
];

export interface SenderWords {
  readonly error: string;
  readonly details?: string | undefined;
  /** `metadata.error_type`, which outranks the text when it is known. */
  readonly errorType?: unknown;
}

const matchTable = (text: string): ErrorCode | undefined =>
  CLASSIFICATION_TABLE.find((row) => row.pattern.test(text))?.code;

/**
 * Finds the catalogue code for an error that arrived as words: a known `error_type`, else the error sentence,
 * else the details, by the first row of the table that matches. A vague `error_type` (a model error, a text
 * error) yields to a more exact reading of the words. `unknown` when nothing matches.
 *
 * @example
 * classifyWords({ error: 'CUDA out of memory' }); // 'gpu_out_of_memory'
 */
export const classifyWords = ({ error, details, errorType }: SenderWords): ErrorCode => {
  if (isErrorCode(errorType) && errorType !== 'unknown') return errorType;
  const fromText = matchTable(error) ?? (details === undefined ? undefined : matchTable(details));
  const fromType =
    typeof errorType === 'string' && Object.hasOwn(ERROR_TYPES, errorType)
      ? ERROR_TYPES[errorType]
      : undefined;
  const isVague = fromType === 'model_failed' || fromType === 'text_invalid';
  return (isVague ? (fromText ?? fromType) : (fromType ?? fromText)) ?? 'unknown';
};

const messageOf = (error: unknown): string => {
  if (error instanceof Error) return error.message || error.name;
  return typeof error === 'string' ? error : 'unknown error';
};

const codeOf = (error: unknown): string => {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
};

/**
 * Turns anything that was thrown into a TalebackError: ours as it is, others by their code, message and cause.
 *
 * @example
 * toTalebackError(new Error('connect ECONNREFUSED')).code; // 'network_unreachable'
 */
export const toTalebackError = (error: unknown): TalebackError => {
  if (isTalebackError(error)) return error;
  const message = messageOf(error);
  if (error instanceof Error && error.name === 'AbortError') {
    return new TalebackError('job_cancelled', message, { cause: error });
  }
  const cause = error instanceof Error ? error.cause : undefined;
  const words = [codeOf(error), message, codeOf(cause), cause === undefined ? '' : messageOf(cause)]
    .join(' ')
    .trim();
  return new TalebackError(matchTable(words) ?? 'internal', message, { details: words, cause: error });
};
