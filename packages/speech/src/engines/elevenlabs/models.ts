interface ElevenlabsModel {
  /** ISO 639-1 where there is one. */
  readonly languages: readonly string[];
  /** Whether `language_code` may be sent: the other models answer it with an error. */
  readonly takesLanguage: boolean;
}

const OF_V2 = 'en ja zh de hi fr ko pt it es id nl tr fil pl sv bg ro ar cs el fi hr ms sk da ta uk ru'.split(
  ' ',
);
const OF_V2_5 = [...OF_V2, 'hu', 'no', 'vi'];

const ENGLISH: ElevenlabsModel = { languages: ['en'], takesLanguage: false };
const V2: ElevenlabsModel = { languages: OF_V2, takesLanguage: false };
const V2_5: ElevenlabsModel = { languages: OF_V2_5, takesLanguage: true };

/** @see https://elevenlabs.io/docs/models and `language_code` of the API reference */
const MODELS: Readonly<Record<string, ElevenlabsModel>> = {
  eleven_multilingual_v2: V2,
  eleven_turbo_v2_5: V2_5,
  eleven_flash_v2_5: V2_5,
  eleven_v3: V2_5,
  eleven_monolingual_v1: ENGLISH,
  eleven_turbo_v2: ENGLISH,
  eleven_flash_v2: ENGLISH,
};

/** What is known of a model; one that we do not know is taken for one like `eleven_multilingual_v2`. */
export const modelOf = (modelId: string): ElevenlabsModel =>
  Object.hasOwn(MODELS, modelId) ? (MODELS[modelId] ?? V2) : V2;
