import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ErrorCode, isErrorCode } from './catalogue.ts';
import { CLASSIFICATION_TABLE, classifyWords, toTalebackError } from './classify.ts';
import { TalebackError } from './taleback-error.ts';

/** For each row of the table, in its order, sentences as senders write them. */
const SENTENCES: readonly (readonly [ErrorCode, ...string[]])[] = [
  [
    'gpu_out_of_memory',
    'CUDA out of memory. Tried to allocate 2.50 GiB',
    'CUDA error: out of memory',
    'GPU memory issues',
    'CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)',
    'HIP out of memory',
  ],
  [
    'disk_full',
    '[Errno 28] No space left on device',
    'ENOSPC: write',
    'Disk space issues',
    'EDQUOT: write',
    'Disk quota exceeded',
  ],
  [
    'memory_exhausted',
    'Insufficient memory',
    'Out of memory',
    'MemoryError',
    'JavaScript heap limit reached',
    'worker was OOM-killed',
    'spawn ENOMEM',
  ],
  [
    'voice_profile_missing',
    'Voice profile not found',
    'Missing voice profile files',
    'No voice profile for voice_7',
    'Voice profile v1 does not exist in the bucket',
    'voice_profile_missing',
  ],
  [
    'voice_profile_format_invalid',
    'Invalid voice profile format',
    'Voice profile is in an unsupported container',
    'Unsupported profile format',
  ],
  [
    'voice_profile_corrupt',
    'Corrupted voice profile data',
    'Failed to decode: voice profile is damaged',
    'Voice profile could not be decoded',
    'Voice profile issues',
    'The voice profile information is corrupt',
  ],
  [
    'voice_language_mismatch',
    'Voice language mismatch',
    'Voice "af_heart" does not speak German',
    'The voice does not support this text',
  ],
  [
    'voice_not_found',
    'Unknown voice: en-US-Nobody',
    'Voice en-US-Nobody not found',
    'voice_not_found',
    'Voice af_x is not available',
    'No such voice',
  ],
  [
    'language_unsupported',
    'Unsupported language',
    'Language "tlh" is not supported',
    'Invalid language code: xx',
  ],
  ['script_unsupported', 'Unsupported script', 'Script Cyrillic is not supported'],
  [
    'text_too_long',
    'Text too long or too short',
    'Text is too long: 30000',
    'Input exceeds the character limit',
    'max_character_limit_exceeded',
  ],
  ['text_too_short', 'Text is too short', 'Text (2 letters) too short'],
  ['text_empty', 'Text is empty', 'Input text is required', 'No text provided', 'Text missing'],
  [
    'text_encoding_invalid',
    'Invalid text encoding',
    "UnicodeDecodeError: 'utf-8' codec can't decode byte",
    'invalid UTF-8 sequence',
  ],
  ['text_invalid', 'Disallowed characters: \u0001', 'Text validation failed'],
  [
    'audio_missing',
    'edge_tts.exceptions.NoAudioReceived',
    'No audio was received. Please verify that your parameters are correct.',
    'no audio data',
  ],
  ['audio_silent', 'Produced silent audio', 'The audio is silent'],
  ['provider_quota_exceeded', 'quota_exceeded: 0 left', 'Insufficient credits', '402 Payment Required'],
  [
    'credentials_invalid',
    'Invalid API keys',
    'HTTP 401',
    'Unauthorized',
    'Authentication failed',
    'Authentication errors',
    'bad credentials',
  ],
  ['service_account_invalid', 'Service account problems'],
  [
    'permission_denied',
    'Permission issues',
    '403 Forbidden',
    'AccessDenied: not yours',
    'PERMISSION_DENIED: missing',
  ],
  [
    'provider_rate_limited',
    'Rate limit reached',
    '429 Too Many Requests',
    'too_many_concurrent_requests',
    'system_busy',
    'rate_limit_exceeded',
  ],
  ['circuit_open', 'Circuit breaker is open for edge', 'circuit open', 'CircuitBreakerOpen'],
  ['system_protection', 'System protection is active', 'in protection mode'],
  ['synthesis_disabled', 'TTS is disabled', 'Synthesis disabled by the operator'],
  ['queue_full', 'Queue is full', 'queue full'],
  ['job_cancelled', 'Job was cancelled', 'CANCELED by user'],
  ['storage_unavailable', 'Storage is unavailable', 'R2 unreachable', 'S3 is down'],
  [
    'storage_upload_failed',
    'Failed to upload generated audio',
    'R2 issues',
    'Upload of the file failed',
    'bucket taleback: error 500',
  ],
  [
    'dns_failed',
    'getaddrinfo ENOTFOUND api.example.com',
    'getaddrinfo EAI_AGAIN',
    '[Errno -2] Name or service not known',
  ],
  [
    'network_unreachable',
    'read ECONNRESET',
    'write EPIPE',
    'Client network socket disconnected before secure TLS connection was established',
  ],
  [
    'tls_failed',
    'certificate has expired',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'SSL: WRONG_VERSION_NUMBER',
    'CERT_HAS_EXPIRED',
  ],
  [
    'timed_out',
    'Request timed out after 60 s',
    'connect ETIMEDOUT 10.0.0.1:443',
    'Deadline exceeded',
    'TimeoutError',
    'Execution time-out',
  ],
  [
    'network_unreachable',
    'connect ECONNREFUSED 127.0.0.1:5000',
    'socket hang up',
    'Network connectivity problems',
    'Connection refused',
    'fetch failed',
  ],
  ['machine_overloaded', 'CPU/GPU overload', 'CPU usage at 97 %', 'load average 12.4', 'Resource errors'],
  ['model_unavailable', 'TTS model not available', 'Model chatterbox is not loaded', 'model not ready'],
  [
    'model_loading_failed',
    'Model loading failures',
    'Failed to initialize the model',
    'Error while loading model weights',
  ],
  ['provider_unavailable', 'HTTP 503', 'Service Unavailable', '502 Bad Gateway', '504 Gateway Timeout'],
  [
    'model_failed',
    'generate_tts_story method failed: tensor size mismatch',
    'TTS model failures',
    'Model generation failures',
    'inference crashed',
    'Synthesis failed',
    'Error processing text: the model crashed',
  ],
  ['text_invalid', 'Text processing errors', 'Failed to process text', 'text preprocessing failed'],
];

const rowOf = (text: string): number => CLASSIFICATION_TABLE.findIndex(([, pattern]) => pattern.test(text));

describe('the classification table, row by row', () => {
  it('has a sentence for each row, in its order', () => {
    expect(SENTENCES.map(([code]) => code)).toEqual(CLASSIFICATION_TABLE.map(([code]) => code));
  });

  it.each(SENTENCES.flatMap(([code, ...sentences], row) => sentences.map((text) => ({ text, code, row }))))(
    '$text is $code',
    ({ text, code, row }) => {
      expect(rowOf(text)).toBe(row);
      expect(classifyWords({ error: text })).toBe(code);
      expect(rowOf(text.toUpperCase())).toBe(row);
    },
  );

  it('keeps no state between two readings', () => {
    for (const [, pattern] of CLASSIFICATION_TABLE) expect(pattern.flags).not.toMatch(/[gy]/);
  });

  it('reads the longest words in no time', () => {
    const long = ['voice ', 'text ', 'model load ', 'cuda '].map((word) => word.repeat(50_000));
    // Quadratic time would be minutes, past the test's timeout.
    for (const error of long) expect(isErrorCode(classifyWords({ error }))).toBe(true);
  });
});

describe('the error scenarios of the first callback receiver', () => {
  it.each([
    ['Missing voice profile files', 'voice_profile_missing'],
    ['Corrupted voice profile data', 'voice_profile_corrupt'],
    ['Invalid voice profile format', 'voice_profile_format_invalid'],
    ['Invalid text encoding', 'text_encoding_invalid'],
    ['Text processing errors', 'text_invalid'],
    ['Text too long', 'text_too_long'],
    ['Text too short', 'text_too_short'],
    ['Unsupported language', 'language_unsupported'],
    ['TTS model failures', 'model_failed'],
    ['GPU memory issues', 'gpu_out_of_memory'],
    ['Model loading failures', 'model_loading_failed'],
    ['Failed to upload generated audio', 'storage_upload_failed'],
    ['R2 issues', 'storage_upload_failed'],
    ['Network connectivity problems', 'network_unreachable'],
    ['Insufficient memory', 'memory_exhausted'],
    ['Disk space issues', 'disk_full'],
    ['CPU/GPU overload', 'machine_overloaded'],
    ['Invalid API keys', 'credentials_invalid'],
    ['Permission issues', 'permission_denied'],
    ['Service account problems', 'service_account_invalid'],
    ['TTS model not available', 'model_unavailable'],
    ['generate_tts_story method failed: index out of range', 'model_failed'],
    ['Unexpected exception', 'unknown'],
  ])('%s is %s', (error, code) => {
    expect(classifyWords({ error })).toBe(code);
  });
});

describe('classifyWords', () => {
  it.each([
    ['voice_profile_missing', 'voice_profile_missing'],
    ['tts_model_error', 'model_failed'],
    ['text_validation_error', 'text_invalid'],
    ['callback_failed', 'callback_undeliverable'],
    ['timeout', 'timed_out'],
    ['storage_error', 'storage_upload_failed'],
    ['gpu_memory_error', 'gpu_out_of_memory'],
    ['queue_full', 'queue_full'],
    ['audio_implausible', 'audio_implausible'],
  ])('knows the error_type %s', (errorType, code) => {
    expect(classifyWords({ error: 'Something odd', errorType })).toBe(code);
  });

  it.each([
    [
      'an exact type outranks the words',
      { error: 'CUDA out of memory', errorType: 'voice_profile_missing' },
      'voice_profile_missing',
    ],
    [
      'a code of ours outranks the words',
      { error: 'CUDA out of memory', errorType: 'timed_out' },
      'timed_out',
    ],
    [
      'a model error yields to exact words',
      { error: 'CUDA out of memory', errorType: 'tts_model_error' },
      'gpu_out_of_memory',
    ],
    [
      'a text error yields to exact words',
      { error: 'Text is too long', errorType: 'text_validation_error' },
      'text_too_long',
    ],
    [
      'a type of unknown yields to the words',
      { error: 'CUDA out of memory', errorType: 'unknown' },
      'gpu_out_of_memory',
    ],
    ['a type of unknown without telling words', { error: 'Oh no', errorType: 'unknown' }, 'unknown'],
    ['an unknown type counts for nothing', { error: 'Disk full', errorType: 'weird_error' }, 'disk_full'],
    ['a type that is no text counts for nothing', { error: 'Disk full', errorType: { a: 1 } }, 'disk_full'],
    [
      'a name every object has counts for nothing',
      { error: 'Disk full', errorType: 'constructor' },
      'disk_full',
    ],
    [
      'the details speak when the sentence does not',
      { error: 'Failed', details: 'read ECONNRESET' },
      'network_unreachable',
    ],
    [
      'the sentence outranks the details',
      { error: 'Voice profile not found', details: 'HTTP 503' },
      'voice_profile_missing',
    ],
    ['nothing known', { error: 'Oh no', details: 'Really' }, 'unknown'],
  ] as const)('%s', (_what, words, code) => {
    expect(classifyWords(words)).toBe(code);
  });

  it('ends in a code of the catalogue, whatever the input', () => {
    const text = fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units));
    fc.assert(
      fc.property(text, fc.option(text, { nil: undefined }), fc.jsonValue(), (error, details, errorType) => {
        expect(isErrorCode(classifyWords({ error, details, errorType }))).toBe(true);
      }),
    );
  });
});

const withCode = (message: string, code: string, cause?: unknown): Error =>
  Object.assign(new Error(message, { cause }), { code });
const fetchFailed = (cause: Error): Error => new TypeError('fetch failed', { cause });

describe('toTalebackError', () => {
  it.each<[string, unknown, ErrorCode]>([
    [
      'a refused connection',
      fetchFailed(withCode('connect ECONNREFUSED 127.0.0.1:9', 'ECONNREFUSED')),
      'network_unreachable',
    ],
    [
      'a refusal by every address',
      fetchFailed(Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' })),
      'network_unreachable',
    ],
    ['a reset connection', withCode('read ECONNRESET', 'ECONNRESET'), 'network_unreachable'],
    [
      'a socket that closed',
      fetchFailed(withCode('other side closed', 'UND_ERR_SOCKET')),
      'network_unreachable',
    ],
    ['an unknown host', fetchFailed(withCode('getaddrinfo ENOTFOUND nope.test', 'ENOTFOUND')), 'dns_failed'],
    [
      'a slow connect',
      fetchFailed(withCode('Connect Timeout Error', 'UND_ERR_CONNECT_TIMEOUT')),
      'timed_out',
    ],
    ['slow headers', withCode('Headers Timeout Error', 'UND_ERR_HEADERS_TIMEOUT'), 'timed_out'],
    ['a slow body', withCode('Body Timeout Error', 'UND_ERR_BODY_TIMEOUT'), 'timed_out'],
    [
      'AbortSignal.timeout',
      new DOMException('The operation was aborted due to timeout', 'TimeoutError'),
      'timed_out',
    ],
    [
      'an old certificate',
      fetchFailed(withCode('certificate has expired', 'CERT_HAS_EXPIRED')),
      'tls_failed',
    ],
    [
      'a self-signed certificate',
      fetchFailed(withCode('self-signed certificate', 'DEPTH_ZERO_SELF_SIGNED_CERT')),
      'tls_failed',
    ],
    ['a full disk', withCode('ENOSPC: no space left on device, write', 'ENOSPC'), 'disk_full'],
    ['no memory for a child', withCode('spawn ENOMEM', 'ENOMEM'), 'memory_exhausted'],
    ['only a code', { code: 'EPIPE' }, 'network_unreachable'],
    ['a text', 'Voice profile not found', 'voice_profile_missing'],
    ['an abort', new DOMException('This operation was aborted', 'AbortError'), 'job_cancelled'],
    ['a bug', new TypeError("Cannot read properties of undefined (reading 'x')"), 'internal'],
    ['an error without words', new RangeError(''), 'internal'],
    ['undefined', undefined, 'internal'],
    ['null', null, 'internal'],
    ['a number', 7, 'internal'],
  ])('reads %s', (_what, thrown, code) => {
    const error = toTalebackError(thrown);
    expect(error.code).toBe(code);
    expect(error.message).not.toBe('');
    expect(error.cause).toBe(thrown);
    expect(error.details ?? '').not.toMatch(/\n\s+at /);
  });

  it('keeps an error of ours as it is', () => {
    const ours = new TalebackError('queue_full', 'full', { retryAfterMs: 5 });
    expect(toTalebackError(ours)).toBe(ours);
  });

  it('tells code and cause in the details', () => {
    const error = toTalebackError(fetchFailed(withCode('connect ECONNREFUSED 127.0.0.1:9', 'ECONNREFUSED')));
    expect(error.message).toBe('fetch failed');
    expect(error.details).toContain('ECONNREFUSED 127.0.0.1:9');
  });
});
