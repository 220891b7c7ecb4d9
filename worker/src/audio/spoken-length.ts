/** A digit is read as a word of about four letters, and so is a sign such as `$` or `&`. */
const WORD_LIKE_COST = 4;
const WORD_LIKE = /[\p{Nd}@#$%^&*+=<>~/|\\]/u;

/** The cost of one character (code point): how many letters' worth of speech it may become. */
export const spokenCostOf = (character: string): number =>
  WORD_LIKE.test(character) ? WORD_LIKE_COST : character.length;

/** How long a text is to speak, in letters. Never below its length. */
export const spokenLength = (text: string): number => {
  let cost = 0;
  for (const character of text) cost += spokenCostOf(character);
  return cost;
};

/** True when there is a letter or a digit. */
export const isSpeakable = (text: string): boolean => /[\p{L}\p{N}]/u.test(text);
