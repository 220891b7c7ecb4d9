/**
 * Every way a narration can fail, said once: what kind of trouble it is, whether the same job may succeed when
 * it is tried again, how loud an operator should hear it, and what a person is told.
 *
 * The scenarios are those of seed 001 ("Error Scenarios"), the engine faults of seeds 000 and 002, the protection
 * of seed 003 and the worker faults of seed 004.
 */

export type ErrorCategory =
  | 'input'
  | 'voice'
  | 'model'
  | 'resource'
  | 'storage'
  | 'network'
  | 'auth'
  | 'provider'
  | 'timeout'
  | 'protection'
  | 'internal';

export type ErrorSeverity = 'info' | 'warning' | 'error' | 'critical';

export interface CatalogueEntry {
  readonly category: ErrorCategory;
  /** True when the very same job may succeed later. A person may always try again after changing something. */
  readonly retryable: boolean;
  readonly severity: ErrorSeverity;
  /** What happened, in a sentence for the person who wrote the story. */
  readonly sentence: string;
  /** What that person can do now. */
  readonly nextStep: string;
}

const entry = (
  category: ErrorCategory,
  retryable: boolean,
  severity: ErrorSeverity,
  sentence: string,
  nextStep: string,
): CatalogueEntry => ({ category, retryable, severity, sentence, nextStep });

const TRY_LATER = 'Wait a moment, then try again.';
const TRY_NOW = 'Try again.';
const WE_KNOW = 'Try again later. If it keeps failing, tell us and we will look into it.';
const OTHER_VOICE = 'Choose another voice, then try again.';

export const ERROR_CATALOGUE = {
  text_empty: entry(
    'input',
    false,
    'info',
    'The story has no text to read.',
    'Write some text, then try again.',
  ),
  text_too_short: entry(
    'input',
    false,
    'info',
    'The story is too short to narrate.',
    'Add a sentence or two, then try again.',
  ),
  text_too_long: entry(
    'input',
    false,
    'info',
    'The story is too long to narrate in one piece.',
    'Shorten it or split it into chapters, then try again.',
  ),
  text_encoding_invalid: entry(
    'input',
    false,
    'info',
    'The story holds characters that cannot be read.',
    'Paste the text again as plain text, then try again.',
  ),
  text_not_speakable: entry(
    'input',
    false,
    'info',
    'The story holds nothing that can be spoken, such as letters or numbers.',
    'Add some words, then try again.',
  ),
  text_invalid: entry(
    'input',
    false,
    'info',
    'The text of this story could not be read aloud.',
    'Look for unusual characters, then try again.',
  ),
  language_unsupported: entry(
    'input',
    false,
    'info',
    'We cannot narrate this language yet.',
    'Choose a supported language, then try again.',
  ),
  script_unsupported: entry(
    'input',
    false,
    'info',
    'The story is written in a script that the chosen language does not use.',
    'Choose the language that the story is written in, then try again.',
  ),
  request_invalid: entry(
    'input',
    false,
    'error',
    'The request for this narration was incomplete.',
    'Ask for the narration again.',
  ),

  voice_not_found: entry('voice', false, 'warning', 'The chosen voice does not exist.', OTHER_VOICE),
  voice_profile_missing: entry(
    'voice',
    false,
    'warning',
    'The recording behind this voice is missing.',
    OTHER_VOICE,
  ),
  voice_profile_corrupt: entry(
    'voice',
    false,
    'warning',
    'The recording behind this voice is damaged.',
    OTHER_VOICE,
  ),
  voice_profile_format_invalid: entry(
    'voice',
    false,
    'warning',
    'The recording behind this voice is in a format we cannot use.',
    'Record or choose another voice, then try again.',
  ),
  voice_language_mismatch: entry(
    'voice',
    false,
    'info',
    'The chosen voice does not speak the language of this story.',
    OTHER_VOICE,
  ),

  model_unavailable: entry('model', true, 'error', 'The narrator is not ready yet.', TRY_LATER),
  model_loading_failed: entry('model', true, 'critical', 'The narrator could not get ready.', WE_KNOW),
  model_failed: entry('model', true, 'error', 'The narrator stumbled over this story.', TRY_NOW),
  audio_missing: entry('model', true, 'error', 'The narrator finished without making any sound.', TRY_NOW),
  audio_silent: entry('model', true, 'error', 'The narration came out silent.', TRY_NOW),
  audio_implausible: entry(
    'model',
    true,
    'error',
    'The narration does not match the length of the story.',
    TRY_NOW,
  ),

  gpu_out_of_memory: entry('resource', true, 'error', 'The narrator ran out of graphics memory.', TRY_LATER),
  memory_exhausted: entry('resource', true, 'error', 'The narrator ran out of memory.', TRY_LATER),
  disk_full: entry('resource', true, 'critical', 'There is no room left to keep the narration.', WE_KNOW),
  machine_overloaded: entry('resource', true, 'warning', 'The narrator is overloaded.', TRY_LATER),

  storage_upload_failed: entry(
    'storage',
    true,
    'error',
    'The narration was made but could not be saved.',
    TRY_NOW,
  ),
  storage_unavailable: entry(
    'storage',
    true,
    'error',
    'The place where narrations are kept is away.',
    TRY_LATER,
  ),

  network_unreachable: entry('network', true, 'error', 'The narrator could not be reached.', TRY_LATER),
  dns_failed: entry('network', true, 'error', 'The narrator could not be found on the network.', TRY_LATER),
  tls_failed: entry(
    'network',
    false,
    'critical',
    'No safe connection to the narrator could be made.',
    WE_KNOW,
  ),
  callback_undeliverable: entry(
    'network',
    true,
    'critical',
    'The narration was made, but the news of it did not arrive.',
    TRY_NOW,
  ),

  credentials_invalid: entry('auth', false, 'critical', 'We are not signed in with the narrator.', WE_KNOW),
  permission_denied: entry('auth', false, 'critical', 'We are not allowed to use this narrator.', WE_KNOW),
  service_account_invalid: entry('auth', false, 'critical', 'Our own sign-in is not working.', WE_KNOW),

  provider_rate_limited: entry(
    'provider',
    true,
    'warning',
    'The narrator is asked for too much at once.',
    TRY_LATER,
  ),
  provider_quota_exceeded: entry(
    'provider',
    false,
    'critical',
    'Our narration allowance is used up.',
    WE_KNOW,
  ),
  provider_unavailable: entry('provider', true, 'error', 'The narrator is away at the moment.', TRY_LATER),
  provider_rejected: entry('provider', false, 'error', 'The narrator did not accept this story.', WE_KNOW),

  timed_out: entry('timeout', true, 'error', 'The narration took too long and was stopped.', TRY_NOW),
  lease_expired: entry('timeout', true, 'error', 'The narrator fell silent before it was done.', TRY_NOW),

  circuit_open: entry(
    'protection',
    true,
    'warning',
    'The narrator is resting after several failures.',
    TRY_LATER,
  ),
  system_protection: entry(
    'protection',
    true,
    'warning',
    'Narration is paused to keep the system healthy.',
    TRY_LATER,
  ),
  synthesis_disabled: entry(
    'protection',
    true,
    'warning',
    'Narration is switched off at the moment.',
    TRY_LATER,
  ),
  queue_full: entry('protection', true, 'warning', 'Too many stories are waiting.', TRY_LATER),

  queue_unavailable: entry(
    'internal',
    true,
    'critical',
    'Your story could not be handed to the narrator.',
    TRY_NOW,
  ),
  job_cancelled: entry('internal', true, 'info', 'The narration was cancelled.', TRY_NOW),
  worker_lost: entry('internal', true, 'error', 'The narrator stopped in the middle of the story.', TRY_NOW),
  internal: entry('internal', true, 'error', 'Something went wrong on our side.', TRY_NOW),
  unknown: entry('internal', true, 'error', 'The narration failed for a reason we do not know.', TRY_NOW),
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof ERROR_CATALOGUE;

/** True for a string that is a code of the catalogue (own keys only, so `__proto__` is not one). */
export const isErrorCode = (value: unknown): value is ErrorCode =>
  typeof value === 'string' && Object.hasOwn(ERROR_CATALOGUE, value);

/** The catalogue's entry for a code. */
export const describeError = (code: ErrorCode): CatalogueEntry => ERROR_CATALOGUE[code];
