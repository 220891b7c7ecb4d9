import rules from './sentence-rules.json' with { type: 'json' };

/** How the sentences of a language end, where that differs from English. */
export interface SentenceRules {
  /** Lower-case words before a full stop that ends no sentence, without their last stop. */
  readonly abbreviations: ReadonlySet<string>;
  /** Whether a single letter and a stop are an initial or an abbreviation, as in `J. Smith` and `z. B.`. */
  readonly isLoneLetter: (word: string) => boolean;
  /** Whether a number and a stop are an ordinal, as in `3. Oktober` and `Ludwig XIV.`. */
  readonly hasOrdinals: boolean;
  /** Marks that end a sentence here and elsewhere do not. */
  readonly moreMarks: string;
  /** Whether blanks stand inside quotation marks and before tall marks: `« Non ! »`. */
  readonly hasInnerBlanks: boolean;
  /** Whether words are written without blanks between them, so that a blank is a pause. */
  readonly isUnspaced: boolean;
}

/** What is known of a language; where nothing is, it is as in English. */
interface Facts extends Partial<Omit<SentenceRules, 'abbreviations' | 'isLoneLetter'>> {
  /** `etc.` and its sisters are left out because a sentence often ends in them. */
  readonly abbreviations?: string;
  /** Single letters that are words by themselves and may end a sentence, so that their stop is one. */
  readonly letterWords?: string;
}
/** Languages with ordinals: German, Slavic, Nordic and Baltic ones. @see https://cldr.unicode.org number patterns */
const LANGUAGES: Readonly<Record<string, Facts>> = rules.languages;

const ENGLISH_RULES: SentenceRules = {
  abbreviations: new Set(rules.english.split(' ')),
  isLoneLetter: (word) => /^[A-HJ-Z]$/u.test(word),
  hasOrdinals: false,
  moreMarks: '',
  hasInnerBlanks: false,
  isUnspaced: false,
};

const known = new Map<string, SentenceRules>([['en', ENGLISH_RULES]]);

const rulesFor = (primary: string): SentenceRules => {
  const { abbreviations, letterWords = '', ...facts } = LANGUAGES[primary] ?? {};
  if (abbreviations === undefined) return { ...ENGLISH_RULES, ...facts };
  return {
    ...ENGLISH_RULES,
    ...facts,
    abbreviations: new Set(`${rules.shared} ${abbreviations}`.split(' ')),
    isLoneLetter: (word) => /^\p{L}$/u.test(word) && !letterWords.includes(word),
  };
};

/** The rules of a language, BCP 47; English for one that is not said, and for what is the same everywhere. */
export const sentenceRulesOf = (language: string | undefined): SentenceRules => {
  const primary = language?.toLowerCase().split(/[-_]/u)[0] ?? 'en';
  if (!/^[a-z]{2,3}$/u.test(primary)) return ENGLISH_RULES;
  const found = known.get(primary) ?? rulesFor(primary);
  known.set(primary, found);
  return found;
};
