export interface SpokenTones {
  readonly text: string;
  /** Another voice has another pitch. */
  readonly voice: string;
  /** Rate of speech. */
  readonly speed: number;
  readonly sampleRateHz: number;
}

/** About as long as a letter takes in speech, at speed 1. */
const LETTER_MS = 60;
const LOUDNESS = 9_000;

const pitchOf = (voice: string): number =>
  110 + (Array.from(voice).reduce((sum, sign) => (sum * 31 + (sign.codePointAt(0) ?? 0)) % 9_973, 7) % 140);

/**
 * Sound in place of speech: a tone for each letter, a pause for each blank, so that its length follows text and speed,
 * and other words sound otherwise.
 */
export const spokenTones = ({ text, voice, speed, sampleRateHz }: SpokenTones): Int16Array<ArrayBuffer> => {
  const signs = Array.from(text);
  const perSign = Math.round((LETTER_MS * sampleRateHz) / (1000 * speed));
  const base = pitchOf(voice);
  const samples = new Int16Array(signs.length * perSign);
  for (const [place, sign] of signs.entries()) {
    if (!/[\p{L}\p{N}]/u.test(sign)) continue;
    const step = (2 * Math.PI * (base + ((sign.codePointAt(0) ?? 0) % 64) * 9)) / sampleRateHz;
    for (let index = 0; index < perSign; index += 1) {
      const swell = Math.sin((Math.PI * index) / perSign);
      samples[place * perSign + index] = Math.round(LOUDNESS * swell * Math.sin(step * index));
    }
  }
  return samples;
};
