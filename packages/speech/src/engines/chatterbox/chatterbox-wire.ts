import { type ErrorCode, JOB_RANGES, TalebackError, textOf } from '@taleback/core';
import { isWav } from '../../audio/wav.ts';
import type { CheckedChunk, Voice, VoiceProfile } from '../engine.ts';
import { membersOf, type Refusal } from '../remote/service-fault.ts';

/**
 * The answer to `GET /api/model-info`: model and device in a few words, and languages, which come as a list of codes or as
 * an object from codes to names; none when it does not report them.
 */
export const parseModelInfo = (json: unknown) => {
  const info = membersOf(json);
  const listed = info['supported_languages'];
  const languages: readonly unknown[] = Array.isArray(listed) ? listed : Object.keys(membersOf(listed));
  const model = textOf(info['type']) ?? textOf(info['class_name']) ?? 'a model';
  return {
    isLoaded: info['loaded'] === true,
    words: `${model} on ${textOf(info['device']) ?? 'a device'}`,
    languages: languages.flatMap((code) => textOf(code) ?? []),
  };
};

/** `GET /get_predefined_voices`: `[{display_name, filename}]`. */
export const parsePredefinedVoices = (json: unknown, languages: readonly string[]): Voice[] =>
  (Array.isArray(json) ? json : []).map(membersOf).flatMap(({ filename, display_name: displayName }) => {
    const id = textOf(filename);
    return id === undefined ? [] : [{ id, name: textOf(displayName) ?? id, languages }];
  });

/**
 * Any but 0, which means random. The same text with the same seed sounds the same, so a repetition after a fault does
 * not change the story.
 */
const DEFAULT_SEED = 20_041;
/** The server splits longer texts, which ours never are: the model stops after 40 s of sound without an error. */
const CHUNK_SIZE = 300;

/** @see VoiceStyle */
const { exaggeration, cfg_weight: cfgWeight, temperature } = JOB_RANGES;
const BOUNDS = { exaggeration, cfgWeight, temperature };

/**
 * The body of `POST /tts`. What the style leaves open is up to the server's settings.
 *
 * @param recording its file name at the server, to speak in that voice
 * @param language primary tag, such as `en`
 * @throws TalebackError `request_invalid` for a style out of bounds
 */
export const chatterboxRequest = (
  { text, speed, voiceId, style = {} }: CheckedChunk,
  {
    recording,
    language,
    seed = DEFAULT_SEED,
  }: {
    readonly recording: string | undefined;
    readonly language: string;
    readonly seed: number | undefined;
  },
): object => {
  for (const [name, { min, max }] of Object.entries(BOUNDS)) {
    const value = style[name as keyof typeof BOUNDS];
    if (value !== undefined && !(value >= min && value <= max)) {
      throw new TalebackError('request_invalid', `${name} must be ${min} to ${max}.`);
    }
  }
  return {
    text,
    voice_mode: recording === undefined ? 'predefined' : 'clone',
    predefined_voice_id: recording === undefined ? voiceId : undefined,
    reference_audio_filename: recording,
    output_format: 'wav',
    split_text: true,
    chunk_size: CHUNK_SIZE,
    seed,
    speed_factor: speed,
    language,
    temperature: style.temperature,
    exaggeration: style.exaggeration,
    cfg_weight: style.cfgWeight,
  };
};

/** An ID3 tag, or the eleven set bits that begin a frame. */
const isMp3 = ([first, second = 0, third]: Uint8Array): boolean =>
  (first === 0x49 && second === 0x44 && third === 0x33) || (first === 0xff && (second & 0xe0) === 0xe0);

/** Of the hash, in the file's name: more than enough to keep recordings apart. */
const NAME_DIGITS = 40;

/**
 * A recording as the server accepts it, named by its content: the server keeps an existing file of the same name.
 *
 * @throws TalebackError `voice_profile_format_invalid` for what is neither WAV nor MP3
 */
export const recordingFile = ({ bytes, hash }: VoiceProfile): File => {
  const name = `taleback-${hash.slice(0, NAME_DIGITS)}`;
  if (isWav(bytes)) return new File([bytes], `${name}.wav`, { type: 'audio/wav' });
  if (isMp3(bytes)) return new File([bytes], `${name}.mp3`, { type: 'audio/mpeg' });
  const message = 'Chatterbox takes recordings as WAV or MP3 only.';
  const details = `begins with ${Buffer.from(bytes.subarray(0, 4)).toString('hex')}`;
  throw new TalebackError('voice_profile_format_invalid', message, { details });
};

/** The answer to an upload: the file's name at the server, or the server's message about the file that it refused. */
export const parseUpload = (json: unknown): { readonly name: unknown; readonly note: string | undefined } => {
  const { uploaded_files: files, errors } = membersOf(json);
  const [name] = Array.isArray(files) ? files : [];
  const [fault] = Array.isArray(errors) ? errors : [];
  const { error } = membersOf(fault);
  return { name, note: typeof error === 'string' ? error.slice(0, 300) : undefined };
};

export const uploadCode = ({ status, isPage }: Refusal): ErrorCode | undefined => {
  if (status === 413 || status === 415) return 'voice_profile_format_invalid';
  return status === 400 && !isPage ? 'voice_profile_corrupt' : undefined;
};

/** The server wraps its own refusals: a 400 arrives as `500 {"detail":"400: ..."}`. */
export const unwrapRefusal = (refusal: Refusal): Refusal => {
  const [, status, words] = /^([45]\d\d): (.+)$/su.exec(refusal.words) ?? [];
  if (refusal.status !== 500 || status === undefined || words === undefined) return refusal;
  return unwrapRefusal({ ...refusal, status: Number(status), words });
};

/** What the server means, by its message, because it has no codes. */
const MEANINGS: readonly { readonly status: number; readonly words: RegExp; readonly code: ErrorCode }[] = [
  { status: 400, words: /reference audio/iu, code: 'voice_profile_corrupt' },
  { status: 400, words: /no usable chunks/iu, code: 'text_not_speakable' },
  // The uploaded recording is no longer there, as after a restart in a fresh container.
  { status: 404, words: /reference audio/iu, code: 'voice_profile_missing' },
  { status: 404, words: /voice file/iu, code: 'voice_not_found' },
  { status: 500, words: /no output|invalid audio|failed to encode/iu, code: 'audio_missing' },
  { status: 503, words: /model/iu, code: 'model_unavailable' },
];

export const chatterboxCode = ({ status, words, isPage }: Refusal): ErrorCode | undefined =>
  isPage
    ? undefined
    : MEANINGS.find((meaning) => meaning.status === status && meaning.words.test(words))?.code;
