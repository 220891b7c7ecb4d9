/** A voice that a story can be read in. */
export interface Voice {
  readonly id: string;
  readonly name: string;
  /** What sets it apart, in a word. */
  readonly manner: string;
  readonly language: string;
}

export const VOICES: readonly Voice[] = [
  { id: 'slt', name: 'Clara', manner: 'American', language: 'en' },
  { id: 'rms', name: 'Robert', manner: 'American', language: 'en' },
  { id: 'awb', name: 'Alasdair', manner: 'Scottish', language: 'en' },
  { id: 'kal16', name: 'Kal', manner: 'robotic', language: 'en' },
];

export const DEFAULT_VOICE_ID = 'slt';

export const findVoice = (voiceId: string | undefined): Voice | undefined =>
  VOICES.find((voice) => voice.id === voiceId);

/** A voice's name; a voice that we do not know is called what the story calls it, or by its id. */
export const voiceLabel = (voiceId: string | undefined, voiceName: string | undefined): string =>
  findVoice(voiceId)?.name ?? voiceName ?? voiceId ?? 'No voice';

/** A voice to offer in place of one that failed. */
export const otherVoiceId = (failedId: string | undefined): string =>
  VOICES.find((voice) => voice.id !== failedId)?.id ?? DEFAULT_VOICE_ID;
