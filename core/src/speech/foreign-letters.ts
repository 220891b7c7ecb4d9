/** Scripts by which a language is written beside its usual one, as ISO 15924 names them. */
const OTHER_SCRIPTS: Readonly<Record<string, string>> = {
  az: 'Cyrl Arab',
  bs: 'Cyrl',
  ha: 'Arab',
  kk: 'Latn Arab',
  ks: 'Deva',
  ku: 'Arab Cyrl',
  ky: 'Latn Arab',
  mn: 'Mong',
  ms: 'Arab',
  pa: 'Arab',
  sd: 'Deva',
  sr: 'Latn',
  tg: 'Arab Latn',
  tk: 'Cyrl Arab',
  tt: 'Latn',
  ug: 'Cyrl Latn',
  uz: 'Cyrl Arab',
};
/** Scripts of CLDR that are several of Unicode's. */
const COMPOUNDS: Readonly<Record<string, string>> = {
  Hans: 'Hani Bopo',
  Hant: 'Hani Bopo',
  Jpan: 'Hira Kana Hani',
  Kore: 'Hang Hani',
};

const likelyScript = (language: string): string | undefined => {
  try {
    return new Intl.Locale(language).maximize().script;
  } catch {
    return undefined;
  }
};

const patterns = new Map<string, RegExp | undefined>();

/** Script extensions, because letters such as the Japanese long vowel mark belong to several scripts. */
const patternOf = (scripts: string): RegExp | undefined => {
  if (!patterns.has(scripts)) {
    const classes = scripts.split(' ').map((script) => `\\p{scx=${script}}`);
    try {
      patterns.set(scripts, new RegExp(`[^\\P{L}${classes.join('')}\\p{sc=Zyyy}\\p{sc=Zinh}]+`, 'gu'));
    } catch {
      // A script that this engine's Unicode does not know yet.
      patterns.set(scripts, undefined);
    }
  }
  return patterns.get(scripts);
};

/**
 * Runs of letters that this language is not written with, as a global pattern; letters of no script, such as those of
 * mathematics, are of every language. The script is the one that the tag says (`sr-Latn`), else those that CLDR and custom
 * give the language. Undefined when it cannot be told, and then every script is right.
 *
 * @param language BCP 47, `_` for `-` allowed
 * @see https://www.unicode.org/reports/tr24/ and https://cldr.unicode.org likely subtags
 */
export const foreignLettersOf = (language: string): RegExp | undefined => {
  const [primary = '', second = ''] = language.toLowerCase().split(/[-_]/);
  if (/^[a-z]{4}$/.test(second)) {
    const named = `${second.charAt(0).toUpperCase()}${second.slice(1)}`;
    return patternOf(COMPOUNDS[named] ?? named);
  }
  const likely = likelyScript(primary) ?? 'Latn';
  const other = Object.hasOwn(OTHER_SCRIPTS, primary) ? ` ${OTHER_SCRIPTS[primary]}` : '';
  return patternOf((COMPOUNDS[likely] ?? likely) + other);
};
