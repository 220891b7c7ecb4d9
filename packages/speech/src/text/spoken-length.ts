/** A digit is read as a word of about four letters, and so is a sign such as `$` or `&`. */
const WORD_LIKE_COST = 4;
const WORD_LIKE = /[\p{Nd}@#$%^&*+=<>~/|\\]/u;

/**
 * Letters of these scripts are syllables: read at 55 to 65 ms a Latin letter, a Chinese character of about 250 ms counts
 * four, a Hangul block of about 190 ms three, a kana of about 130 ms two.
 * @see Pellegrino et al., "A cross-language perspective on speech information rate", Language 87 (2011), syllable rates
 */
const SYLLABLES: readonly { readonly script: RegExp; readonly cost: number }[] = [
  { script: /[\p{Script=Han}\u3005\u3007]/u, cost: 4 },
  { script: /[\uac00-\ud7a3]/u, cost: 3 },
  { script: /[\p{Script=Hiragana}\p{Script=Katakana}\u30fc]/u, cost: 2 },
  { script: /[\p{Script=Ethiopic}\p{Script=Yi}\p{Script=Cherokee}]/u, cost: 2 },
];
/** No syllable sign lies below; most text does, and is spared the search. */
const FIRST_SYLLABLE = '\u1200';
const LETTER = /\p{L}|\p{Nl}/u;

const syllableCostOf = (character: string): number => {
  if (!LETTER.test(character)) return 0;
  return SYLLABLES.find(({ script }) => script.test(character))?.cost ?? 0;
};

/** The cost of one character (code point): how many letters' worth of speech it may become. */
export const spokenCostOf = (character: string): number => {
  if (WORD_LIKE.test(character)) return WORD_LIKE_COST;
  if (character < FIRST_SYLLABLE) return character.length;
  return Math.max(character.length, syllableCostOf(character));
};

/** How long a text is to speak, in letters. Never below its length. */
export const spokenLength = (text: string): number => {
  let cost = 0;
  for (const character of text) cost += spokenCostOf(character);
  return cost;
};

/** True when there is a letter or a digit. */
export const isSpeakable = (text: string): boolean => /[\p{L}\p{N}]/u.test(text);
