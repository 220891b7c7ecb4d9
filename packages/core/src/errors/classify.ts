import { type ErrorCode, isErrorCode } from './catalogue.ts';
import { TalebackError, isTalebackError } from './taleback-error.ts';

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

/** The first pattern that matches the sender's words gives the code: specific rows stand before general ones. */
export const CLASSIFICATION_TABLE: readonly (readonly [code: ErrorCode, pattern: RegExp])[] = [
  [
    'gpu_out_of_memory',
    /cuda.{0,40}out of memory|gpu (memory|out of memory)|cublas_status_alloc_failed|hip out of memory/i,
  ],
  ['disk_full', /no space left|enospc|disk (space|full|quota)|edquot/i],
  ['memory_exhausted', /out of memory|insufficient memory|enomem|memoryerror|heap limit|oom.?kill/i],
  [
    'voice_profile_missing',
    /voice profile.{0,40}(not found|missing|does not exist)|(missing|no) voice profile|voice_profile_missing/i,
  ],
  [
    'voice_profile_format_invalid',
    /voice profile.{0,60}(\bformat|unsupported)|(invalid|unsupported) (voice )?profile format/i,
  ],
  [
    'voice_profile_corrupt',
    /voice profile(.{0,60}(corrupt|damaged|invalid|decode)| (issue|error|problem))|corrupt(ed)? voice/i,
  ],
  ['voice_language_mismatch', /voice.{0,60}(language mismatch|does not (speak|support))/i],
  [
    'voice_not_found',
    /(unknown|invalid|unsupported|no such) voice|voice.{0,60}(not found|does not exist|not available|unknown)|voice_not_found/i,
  ],
  ['language_unsupported', /(unsupported|unknown|invalid) language|language.{0,40}not supported/i],
  ['script_unsupported', /unsupported script|script.{0,40}not supported/i],
  [
    'text_too_long',
    /text.{0,40}too long|(exceeds|over).{0,30}character(s)? (limit|maximum)|max_character_limit_exceeded/i,
  ],
  ['text_too_short', /text.{0,40}too short/i],
  ['text_empty', /(text|input).{0,20}(is )?(empty|required|missing)|no text/i],
  ['text_encoding_invalid', /(text|invalid).{0,20}encoding|unicode(decode|encode)error|invalid utf-?8/i],
  ['text_invalid', /disallowed char|text validation/i],
  ['audio_missing', /noaudioreceived|no audio (was )?received|no audio data/i],
  ['audio_silent', /silent audio|audio.{0,20}silent/i],
  ['provider_quota_exceeded', /quota|insufficient.{0,10}(credit|balance|funds)|payment required/i],
  [
    'credentials_invalid',
    /invalid.{0,5}api.{0,3}key|unauthori[sz]ed|\b401\b|authentication (fail|error|issue|problem)|bad credentials/i,
  ],
  ['service_account_invalid', /service account/i],
  ['permission_denied', /permission|forbidden|access ?denied|\b403\b/i],
  [
    'provider_rate_limited',
    /rate.?limit|too many (concurrent )?requests|too_many_concurrent_requests|system_busy|\b429\b/i,
  ],
  ['circuit_open', /circuit.?breaker|circuit (is )?open/i],
  ['system_protection', /system protection|protection mode/i],
  ['synthesis_disabled', /(tts|synthesis).{0,20}disabled/i],
  ['queue_full', /queue.{0,10}full/i],
  ['job_cancelled', /cancell?ed/i],
  ['storage_unavailable', /(upload|storage|bucket|\br2\b|\bs3\b).{0,40}(unavailable|unreachable|down)/i],
  [
    'storage_upload_failed',
    /(upload|storage|bucket|\br2\b|\bs3\b).{0,60}(fail|error|issue)|failed to (upload|store|save)/i,
  ],
  ['dns_failed', /enotfound|eai_again|getaddrinfo|name or service not known|dns/i],
  // Of a server that restarts or sheds load; its words name TLS, but nothing is wrong with that.
  ['network_unreachable', /econnreset|epipe|before secure tls connection/i],
  ['tls_failed', /certificate|\bssl\b|\btls\b|self.signed|cert_/i],
  ['timed_out', /(?<!gateway )time(d)? ?-?out|etimedout|deadline exceeded|timeouterror/i],
  [
    'network_unreachable',
    /econnrefused|ehostunreach|enetunreach|socket hang up|connection (refused|reset|error)|network|und_err_socket|fetch failed/i,
  ],
  [
    'machine_overloaded',
    /overload|resource (error|issue|problem|exhaust)|cpu.{0,20}(usage|load)|load average/i,
  ],
  ['model_unavailable', /model.{0,60}(not available|unavailable|not ready|not loaded)/i],
  ['model_loading_failed', /(load|loading|initiali[sz]).{0,40}model|model.{0,40}(load|initiali[sz])/i],
  ['provider_unavailable', /\b(502|503|504)\b|service unavailable|bad gateway|gateway timeout/i],
  ['model_failed', /model|generat(e|ion)|synthesi[sz]|inference/i],
  // Last: words that say what really happened stand in any other row.
  ['text_invalid', /\btext (pre)?processing|process(ing)? (the )?text\b/i],
];

export interface SenderWords {
  readonly error: string;
  readonly details?: string | undefined;
  /** `metadata.error_type`, which outranks the text when it is known. */
  readonly errorType?: unknown;
}

const matchTable = (text: string): ErrorCode | undefined =>
  CLASSIFICATION_TABLE.find(([, pattern]) => pattern.test(text))?.[0];

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
