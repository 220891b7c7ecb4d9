/** The longest well-formed tag without extensions. @see https://www.rfc-editor.org/rfc/rfc5646#section-4.4.1 */
const MAX_CHARACTERS = 35;
const TAG = /^[a-z]{2,8}(?:[-_][a-z0-9]{1,8})*$/i;

/** The code without its region: `en-GB` and `en_US` are `en`. */
export const primaryLanguage = (language: string): string => language.toLowerCase().split(/[-_]/)[0] ?? '';

/** Whether a text has the shape of a BCP 47 tag, `_` for `-` allowed; whether there is such a language, nobody asks. */
export const isLanguageTag = (text: string): boolean => text.length <= MAX_CHARACTERS && TAG.test(text);
