// Every way a narration can fail. @see docs/origins.md#error-scenarios

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

const TRY_LATER = 'Wait a moment, then try again.';
const TRY_NOW = 'Try again.';
const WE_KNOW = 'Try again later. If it keeps failing, tell us and we will look into it.';
const OTHER_VOICE = 'Choose another voice, then try again.';

// What the entries of a category share; an entry names what differs.
const INPUT = { category: 'input', retryable: false, severity: 'info' } as const;
const VOICE = { category: 'voice', retryable: false, severity: 'warning', nextStep: OTHER_VOICE } as const;
const MODEL = { category: 'model', retryable: true, severity: 'error', nextStep: TRY_NOW } as const;
const RESOURCE = { category: 'resource', retryable: true, severity: 'error', nextStep: TRY_LATER } as const;
const STORAGE = { category: 'storage', retryable: true, severity: 'error', nextStep: TRY_NOW } as const;
const NETWORK = { category: 'network', retryable: true, severity: 'error', nextStep: TRY_LATER } as const;
const AUTH = { category: 'auth', retryable: false, severity: 'critical', nextStep: WE_KNOW } as const;
const PROVIDER = { category: 'provider', retryable: true, severity: 'error', nextStep: TRY_LATER } as const;
const TIMEOUT = { category: 'timeout', retryable: true, severity: 'error', nextStep: TRY_NOW } as const;
const PROTECTION = {
  category: 'protection',
  retryable: true,
  severity: 'warning',
  nextStep: TRY_LATER,
} as const;
const INTERNAL = { category: 'internal', retryable: true, severity: 'error', nextStep: TRY_NOW } as const;

export const ERROR_CATALOGUE = {
  text_empty: {
    ...INPUT,
    sentence: 'The story has no text to read.',
    nextStep: 'Write some text, then try again.',
  },
  text_too_short: {
    ...INPUT,
    sentence: 'The story is too short to narrate.',
    nextStep: 'Add a sentence or two, then try again.',
  },
  text_too_long: {
    ...INPUT,
    sentence: 'The story is too long to narrate in one piece.',
    nextStep: 'Shorten it or split it into chapters, then try again.',
  },
  text_encoding_invalid: {
    ...INPUT,
    sentence: 'The story holds characters that cannot be read.',
    nextStep: 'Paste the text again as plain text, then try again.',
  },
  text_not_speakable: {
    ...INPUT,
    sentence: 'The story holds nothing that can be spoken, such as letters or numbers.',
    nextStep: 'Add some words, then try again.',
  },
  text_invalid: {
    ...INPUT,
    sentence: 'The text of this story could not be read aloud.',
    nextStep: 'Look for unusual characters, then try again.',
  },
  language_unsupported: {
    ...INPUT,
    sentence: 'We cannot narrate this language yet.',
    nextStep: 'Choose a supported language, then try again.',
  },
  script_unsupported: {
    ...INPUT,
    sentence: 'The story is written in a script that the chosen language does not use.',
    nextStep: 'Choose the language that the story is written in, then try again.',
  },
  request_invalid: {
    ...INPUT,
    severity: 'error',
    sentence: 'The request for this narration was incomplete.',
    nextStep: 'Ask for the narration again.',
  },
  too_many_stories: {
    ...INPUT,
    sentence: 'You have more stories than may be narrated.',
    nextStep: 'Delete stories that you no longer need, then try again.',
  },

  voice_not_found: { ...VOICE, sentence: 'The chosen voice does not exist.' },
  voice_not_allowed: { ...VOICE, sentence: 'The chosen voice is not available to you.' },
  voice_profile_missing: { ...VOICE, sentence: 'The recording behind this voice is missing.' },
  voice_profile_corrupt: { ...VOICE, sentence: 'The recording behind this voice is damaged.' },
  voice_profile_format_invalid: {
    ...VOICE,
    sentence: 'The recording behind this voice is in a format we cannot use.',
    nextStep: 'Record or choose another voice, then try again.',
  },
  voice_language_mismatch: {
    ...VOICE,
    severity: 'info',
    sentence: 'The chosen voice does not speak the language of this story.',
  },

  model_unavailable: { ...MODEL, sentence: 'The narrator is not ready yet.', nextStep: TRY_LATER },
  model_loading_failed: {
    ...MODEL,
    severity: 'critical',
    sentence: 'The narrator could not get ready.',
    nextStep: WE_KNOW,
  },
  model_failed: { ...MODEL, sentence: 'The narrator stumbled over this story.' },
  audio_missing: { ...MODEL, sentence: 'The narrator finished without making any sound.' },
  audio_silent: { ...MODEL, sentence: 'The narration came out silent.' },
  audio_implausible: { ...MODEL, sentence: 'The narration does not match the length of the story.' },

  gpu_out_of_memory: { ...RESOURCE, sentence: 'The narrator ran out of graphics memory.' },
  memory_exhausted: { ...RESOURCE, sentence: 'The narrator ran out of memory.' },
  disk_full: {
    ...RESOURCE,
    severity: 'critical',
    sentence: 'There is no room left to keep the narration.',
    nextStep: WE_KNOW,
  },
  machine_overloaded: { ...RESOURCE, severity: 'warning', sentence: 'The narrator is overloaded.' },

  storage_upload_failed: { ...STORAGE, sentence: 'The narration was made but could not be saved.' },
  storage_unavailable: {
    ...STORAGE,
    sentence: 'The place where narrations are kept is away.',
    nextStep: TRY_LATER,
  },

  network_unreachable: { ...NETWORK, sentence: 'The narrator could not be reached.' },
  dns_failed: { ...NETWORK, sentence: 'The narrator could not be found on the network.' },
  tls_failed: {
    ...NETWORK,
    retryable: false,
    severity: 'critical',
    sentence: 'No safe connection to the narrator could be made.',
    nextStep: WE_KNOW,
  },
  callback_undeliverable: {
    ...NETWORK,
    severity: 'critical',
    sentence: 'The narration was made, but the news of it did not arrive.',
    nextStep: TRY_NOW,
  },

  credentials_invalid: { ...AUTH, sentence: 'We are not signed in with the narrator.' },
  permission_denied: { ...AUTH, sentence: 'We are not allowed to use this narrator.' },
  service_account_invalid: { ...AUTH, sentence: 'Our own sign-in is not working.' },

  provider_rate_limited: {
    ...PROVIDER,
    severity: 'warning',
    sentence: 'The narrator is asked for too much at once.',
  },
  provider_quota_exceeded: {
    ...PROVIDER,
    retryable: false,
    severity: 'critical',
    sentence: 'Our narration allowance is used up.',
    nextStep: WE_KNOW,
  },
  provider_unavailable: { ...PROVIDER, sentence: 'The narrator is away at the moment.' },
  provider_rejected: {
    ...PROVIDER,
    retryable: false,
    sentence: 'The narrator did not accept this story.',
    nextStep: WE_KNOW,
  },

  timed_out: { ...TIMEOUT, sentence: 'The narration took too long and was stopped.' },
  lease_expired: { ...TIMEOUT, sentence: 'The narrator fell silent before it was done.' },

  circuit_open: { ...PROTECTION, sentence: 'The narrator is resting after several failures.' },
  system_protection: { ...PROTECTION, sentence: 'Narration is paused to keep the system healthy.' },
  synthesis_disabled: { ...PROTECTION, sentence: 'Narration is switched off at the moment.' },
  budget_spent: {
    ...PROTECTION,
    severity: 'info',
    sentence: 'You have used up your narrations for now.',
    nextStep: 'Try again later.',
  },
  queue_full: { ...PROTECTION, sentence: 'Too many stories are waiting.' },

  queue_unavailable: {
    ...INTERNAL,
    severity: 'critical',
    sentence: 'Your story could not be handed to the narrator.',
  },
  job_cancelled: { ...INTERNAL, severity: 'info', sentence: 'The narration was cancelled.' },
  worker_lost: { ...INTERNAL, sentence: 'The narrator stopped in the middle of the story.' },
  internal: { ...INTERNAL, sentence: 'Something went wrong on our side.' },
  unknown: { ...INTERNAL, sentence: 'The narration failed for a reason we do not know.' },
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof ERROR_CATALOGUE;

/**
 * True for a string that is a code of the catalogue (own keys only, so `__proto__` is not one).
 *
 * @example
 * isErrorCode('timed_out'); // true
 */
export const isErrorCode = (value: unknown): value is ErrorCode =>
  typeof value === 'string' && Object.hasOwn(ERROR_CATALOGUE, value);

/**
 * The catalogue's entry for a code.
 *
 * @example
 * describeError('timed_out').sentence; // 'The narration took too long and was stopped.'
 */
export const describeError = (code: ErrorCode): CatalogueEntry => ERROR_CATALOGUE[code];
