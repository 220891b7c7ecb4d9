/** What a request for speech holds, once it was checked. */
export interface SpeechBody {
  readonly text: string;
  readonly model_id: string;
  readonly seed?: number;
  readonly language_code?: string;
  readonly voice_settings?: {
    readonly stability?: number;
    readonly similarity_boost?: number;
    readonly style?: number;
    readonly use_speaker_boost?: boolean;
    readonly speed?: number;
  };
}

export interface FieldFault {
  readonly loc: readonly string[];
  readonly msg: string;
  readonly type: string;
}

const FIELDS = new Set(['text', 'model_id', 'seed', 'language_code', 'voice_settings']);
const SETTINGS: Readonly<Record<string, readonly [number, number]>> = {
  stability: [0, 1],
  similarity_boost: [0, 1],
  style: [0, 1],
  speed: [0.7, 1.2],
};

const fault = (loc: readonly string[], msg: string, type: string): FieldFault => ({
  loc: ['body', ...loc],
  msg,
  type,
});

/** What a 422 lists: which field is wrong, and how. */
export const requestFaults = (body: unknown): readonly FieldFault[] => {
  if (typeof body !== 'object' || body === null) return [fault([], 'field required', 'value_error.missing')];
  const given = body as Readonly<Record<string, unknown>>;
  const { text, model_id, seed, language_code, voice_settings } = given;
  const faults: FieldFault[] = [];
  if (typeof text !== 'string' || text === '')
    faults.push(fault(['text'], 'field required', 'value_error.missing'));
  if (typeof model_id !== 'string') faults.push(fault(['model_id'], 'str type expected', 'type_error.str'));
  if (
    seed !== undefined &&
    !(Number.isInteger(seed) && (seed as number) >= 0 && (seed as number) <= 4_294_967_295)
  ) {
    faults.push(fault(['seed'], 'value is not a valid integer', 'type_error.integer'));
  }
  if (
    language_code !== undefined &&
    !(typeof language_code === 'string' && /^[a-z]{2,3}$/u.test(language_code))
  ) {
    faults.push(fault(['language_code'], 'no ISO 639-1 code', 'value_error'));
  }
  for (const [name, value] of Object.entries(voice_settings ?? {})) {
    const [least, most] = SETTINGS[name] ?? [Number.NaN, Number.NaN];
    if (!(typeof value === 'number' && value >= least && value <= most)) {
      faults.push(fault(['voice_settings', name], `must be ${least} to ${most}`, 'value_error'));
    }
  }
  for (const name of Object.keys(given)) {
    if (!FIELDS.has(name)) faults.push(fault([name], 'extra fields not permitted', 'value_error.extra'));
  }
  return faults;
};
