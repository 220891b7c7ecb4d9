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

const words = (list: string): string[] => list.split(' ').filter((word) => word !== '');

/** Titles and the like, which end in a full stop and are followed by a capital all the same. */
const ENGLISH = words(
  'mr mrs ms mx dr prof st sr jr vs no fig vol capt col gen lt sgt cpl maj rev hon messrs mme mlle mt ft e.g i.e cf approx',
);

/** Titles that most languages of Europe share. */
const SHARED = words('dr prof cf vs mr mrs fig vol');

/** Abbreviations that a sentence seldom ends in; `etc.` and its sisters are left out because one often does. */
const ABBREVIATIONS: Readonly<Record<string, string>> = {
  ar: 'د أ م ص',
  cs: 'např tzv tj mj ing mgr mudr judr rndr sv čp č ul nám pí sl str',
  da: 'bl f.eks fx hr fr ca nr kl skt jf dvs red',
  de: 'hr fr frl nr st str bzw ca evtl ggf inkl exkl vgl sog abb bd kap abs art jh geb gest mio mrd tel min std ing dipl hl z.b d.h u.a o.ä i.d.r v.a s.o s.u',
  el: 'κ κα δρ καθ π.χ δηλ αρ σελ αγ βλ',
  es: 'sr sra srta sres d dña dra ud uds vd ee uu ej p.ej pág págs núm art av avda cap tel gral sto sta lic ing',
  fi: 'esim mm ns ks tri fil lic maist prof ym n klo',
  fr: 'm mm mme mmes mlle mlles me pr st ste p.ex ex env av apr chap art éd vol réf tél no ch boul',
  hi: 'डॉ प्रो पं श्री रु',
  hr: 'g gđa gđica npr tj tzv sv ing mr ul br str god',
  hu: 'pl ún ill kb id ifj özv szt vö ld u',
  it: 'sig sigg sig.ra sig.na dott dott.ssa avv ing arch prof.ssa es p.es pag pagg art cap tel gent spett sec vol sgg',
  nb: 'bl f.eks hr fr ca nr kl st jf dvs',
  nl: 'dhr mevr mw drs mr ir ing bijv bv o.a d.w.z nl nr blz ca vgl st jhr jkvr kapt',
  no: 'bl f.eks hr fr ca nr kl st jf dvs',
  pl: 'np tzn tzw św inż mgr hab ul al pl im ks gen płk kpt nr ok por red str r wg',
  pt: 'sr sra srta dra exmo exma ex p.ex pág av núm cap art tel eng gov d v.exa',
  ro: 'dl dna dra ing prof nr str sf ex pag cap art',
  ru: 'г гг ул пр пер д кв им рис см ср напр проф акад доц тов гр св т.е т.к т.д т.п т.н и.о тыс млн млрд стр',
  sk: 'napr tzv tj resp ing mgr mudr judr sv ul nám č str',
  sl: 'npr tj itd tzv ga gdč sv ul št str',
  sv: 'bl.a t.ex ca nr kl hr fr st jfr dvs s.k',
  tr: 'sn bn av doç yrd öğr uzm müh alb yzb örn bkz vb vs sok cad mah no apt tel hz',
  uk: 'м р рр вул пров буд кв ім рис див напр проф акад доц гр св т.е т.д т.п т.зв тис млн млрд стор',
};

/** Single letters that are words by themselves and may end a sentence, so that their stop is one. */
const LETTER_WORDS: Readonly<Record<string, string>> = {
  cs: 'aiouksvz',
  es: 'aeouy',
  fr: 'ayà',
  hu: 'aő',
  it: 'aeoiàèì',
  pl: 'aiouwz',
  pt: 'aeoéà',
  ro: 'aeo',
  ru: 'яиаовусюё',
  sk: 'aiouksvz',
  uk: 'яіаовуює',
};

/** Languages that write ordinals with a stop. @see https://cldr.unicode.org number patterns; German, Slavic, Nordic, Baltic */
const ORDINALS = new Set(words('bs cs da de et fi fo hr hu is lb lt lv nb nn no pl sk sl sr tr'));
const INNER_BLANKS = new Set(['fr']);
const UNSPACED = new Set(words('ja km lo my th zh yue'));
/** The Greek question mark is the semicolon. */
const MORE_MARKS: Readonly<Record<string, string>> = { el: ';\u037e' };

const ENGLISH_RULES: SentenceRules = {
  abbreviations: new Set(ENGLISH),
  isLoneLetter: (word) => /^[A-HJ-Z]$/u.test(word),
  hasOrdinals: false,
  moreMarks: '',
  hasInnerBlanks: false,
  isUnspaced: false,
};

const known = new Map<string, SentenceRules>([['en', ENGLISH_RULES]]);

const rulesFor = (primary: string): SentenceRules => {
  const letterWords = LETTER_WORDS[primary] ?? '';
  const own = ABBREVIATIONS[primary];
  return {
    abbreviations: own === undefined ? ENGLISH_RULES.abbreviations : new Set([...SHARED, ...words(own)]),
    isLoneLetter:
      own === undefined
        ? ENGLISH_RULES.isLoneLetter
        : (word) => /^\p{L}$/u.test(word) && !letterWords.includes(word),
    hasOrdinals: ORDINALS.has(primary),
    moreMarks: MORE_MARKS[primary] ?? '',
    hasInnerBlanks: INNER_BLANKS.has(primary),
    isUnspaced: UNSPACED.has(primary),
  };
};

/** The rules of a language, BCP 47; English for one that is not said, and for what is the same everywhere. */
export const sentenceRulesOf = (language: string | undefined): SentenceRules => {
  const primary = language?.toLowerCase().split(/[-_]/u)[0] ?? 'en';
  if (!/^[a-z]{2,3}$/u.test(primary)) return ENGLISH_RULES;
  const rules = known.get(primary) ?? rulesFor(primary);
  known.set(primary, rules);
  return rules;
};
