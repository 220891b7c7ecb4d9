import { clauseBreaks, segmentsOf, sentenceBreaks, wordBreaks } from './sentence-breaks.ts';

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

/**
 * How long a text is to speak, in letters. Never below its length.
 *
 * @example
 * spokenLength('Once upon a time.'); // 17
 */
export const spokenLength = (text: string): number => {
  let cost = 0;
  for (const character of text) cost += spokenCostOf(character);
  return cost;
};

/** True when there is a letter or a digit. */
export const isSpeakable = (text: string): boolean => /[\p{L}\p{N}]/u.test(text);

/** How a piece of text ends, which decides how long the pause after it is. */
export type PieceEnding = 'paragraph' | 'sentence' | 'clause' | 'word';

/** One piece that an engine speaks in one go. */
export interface TextPiece {
  readonly text: string;
  readonly ending: PieceEnding;
}

/**
 * Longest piece, in letters of speech (a digit counts four, and so does a Chinese character). An engine's cost per utterance grows faster than its
 * length and cannot be interrupted: about 0.1 s at this size against 90 s for 5,000 letters in one go.
 */
export const MAX_PIECE_LETTERS = 240;

export interface PieceLimits {
  readonly maxLetters: number;
  readonly fullLetters: number | undefined;
}

const LEVELS = [
  { ending: 'sentence', breaksOf: sentenceBreaks },
  { ending: 'clause', breaksOf: clauseBreaks },
  { ending: 'word', breaksOf: wordBreaks },
] as const satisfies readonly {
  ending: PieceEnding;
  breaksOf: (text: string, language?: string) => number[];
}[];

/**
 * Cuts a text into pieces that are short enough: at sentence ends, else at clause ends, else between words, and only
 * a word that is too long on its own is cut inside. Blank lines end a paragraph; other white space becomes one blank.
 * Every other character stays, in order.
 *
 * @param limits the longest piece, in letters; `fullLetters`: at which one takes no further sentence, default the longest
 * @param language BCP 47, for what ends a sentence and a word there. Default: English, with the marks of every script.
 *
 * @example
 * splitText('It rained. Then it stopped.', 12).map(({ text }) => text);
 */
export const splitText = (
  text: string,
  limits: number | Partial<PieceLimits> = {},
  language?: string,
): TextPiece[] => {
  const { maxLetters = MAX_PIECE_LETTERS, fullLetters = maxLetters } =
    typeof limits === 'number' ? { maxLetters: limits } : limits;
  if (maxLetters < 4) throw new RangeError(`maxLetters is ${maxLetters}, but one digit alone takes 4`);
  return text.split(/\r?\n[^\S\n]*\r?\n/u).flatMap((paragraph) => {
    const pieces = pack(paragraph.replace(/\s+/gu, ' ').trim(), 0, { maxLetters, fullLetters, language });
    return pieces.map((piece, index) =>
      index === pieces.length - 1 ? { text: piece.text, ending: 'paragraph' as const } : piece,
    );
  });
};

interface PackingRules extends PieceLimits {
  readonly language: string | undefined;
}

/** Fills pieces greedily with the units of one level; a unit too big for any piece is packed by the next level. */
const pack = (text: string, level: number, packing: PackingRules): TextPiece[] => {
  const { maxLetters, fullLetters = maxLetters, language } = packing;
  // Only between sentences may a piece end before it must.
  const wishedLetters = level === 0 ? fullLetters : maxLetters;
  if (text === '') return [];
  if (spokenLength(text) <= wishedLetters) return [{ text, ending: LEVELS[level]?.ending ?? 'word' }];
  const rules = LEVELS[level];
  if (rules === undefined) return cutWord(text, maxLetters);

  const pieces: TextPiece[] = [];
  let open = '';
  let openCost = 0;
  const flush = (): void => {
    if (open !== '') pieces.push({ text: open, ending: rules.ending });
    open = '';
    openCost = 0;
  };
  let start = 0;
  for (const end of rules.breaksOf(text, language)) {
    const raw = text.slice(start, end);
    const unit = raw.trim();
    const blank = open !== '' && raw.startsWith(' ') ? ' ' : '';
    start = end;
    if (unit === '') continue;
    const cost = spokenLength(unit);
    if (openCost + blank.length + cost <= wishedLetters) {
      open += blank + unit;
      openCost += blank.length + cost;
      continue;
    }
    flush();
    if (cost <= maxLetters) {
      open = unit;
      openCost = cost;
      continue;
    }
    const inner = pack(unit, level + 1, packing);
    pieces.push(...inner.slice(0, -1), ...inner.slice(-1).map((last) => ({ ...last, ending: rules.ending })));
  }
  flush();
  return pieces;
};

/** What belongs together on the page and takes several code points: accents, vowel signs, joined emoji, flags. */
const IS_JOINED = /\u200d|\p{M}|\p{Emoji_Modifier}|\p{Regional_Indicator}/u;

const GRAPHEMES = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

function* unitsOf(word: string, maxLetters: number): Generator<string> {
  if (!IS_JOINED.test(word)) {
    yield* word;
    return;
  }
  for (const { segment } of segmentsOf(word, GRAPHEMES)) {
    if (spokenLength(segment) <= maxLetters) yield segment;
    else yield* segment;
  }
}

const cutWord = (word: string, maxLetters: number): TextPiece[] => {
  const pieces: TextPiece[] = [];
  let open = '';
  let openCost = 0;
  const flush = (): void => {
    const text = open.trim();
    if (text !== '') pieces.push({ text, ending: 'word' });
    open = '';
    openCost = 0;
  };
  for (const unit of unitsOf(word, maxLetters)) {
    const cost = spokenLength(unit);
    if (openCost + cost > maxLetters) flush();
    open += unit;
    openCost += cost;
  }
  flush();
  return pieces;
};
