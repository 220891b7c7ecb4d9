/** The service takes so much text at once, counted as it stands between the tags. */
export const MAX_TEXT_BYTES = 4096;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

export const escapeXml = (text: string): string =>
  text.replace(/[&<>"']/gu, (sign) => ENTITIES[sign] ?? sign);

const escapedBytes = (text: string): number => Buffer.byteLength(escapeXml(text));

/** How many UTF-16 units of the text fit: whole characters, up to the last white space if there is one. */
const fittingLength = (text: string, maxBytes: number): number => {
  let length = 0;
  let sizeBytes = 0;
  let afterBlank = 0;
  for (const character of text) {
    sizeBytes += escapedBytes(character);
    if (sizeBytes > maxBytes) return afterBlank > 0 ? afterBlank : length;
    length += character.length;
    if (/\s/u.test(character)) afterBlank = length;
  }
  return length;
};

/**
 * Cuts a text into parts that the service takes, each with at most `maxBytes` bytes once it is escaped; between words,
 * unless one word is longer. A chunk of a narration is one part.
 */
export const splitForService = (text: string, maxBytes: number = MAX_TEXT_BYTES): string[] => {
  const parts: string[] = [];
  for (let rest = text.trim(); rest !== ''; ) {
    const length = fittingLength(rest, maxBytes);
    if (length === 0) throw new RangeError(`maxBytes is ${maxBytes}, less than one character`);
    parts.push(rest.slice(0, length).trim());
    rest = rest.slice(length).trim();
  }
  return parts;
};

/** The long name, which the browser uses: `de-DE-KillianNeural` is `... Voice (de-DE, KillianNeural)`. */
const longNameOf = (voiceId: string): string => {
  const cut = voiceId.lastIndexOf('-');
  return `Microsoft Server Speech Text to Speech Voice (${voiceId.slice(0, cut)}, ${voiceId.slice(cut + 1)})`;
};

/** A rate of speech as a change in percent: 1.25 is `+25%`, 0.5 is `-50%`. */
const rateOf = (speed: number): string => {
  const percent = Math.round((speed - 1) * 100);
  return `${percent < 0 ? '' : '+'}${percent}%`;
};

export interface SsmlText {
  /** Not escaped yet. */
  readonly text: string;
  readonly voiceId: string;
  /** BCP 47. */
  readonly language: string;
  readonly speed: number;
}

export const formatSsml = ({ text, voiceId, language, speed }: SsmlText): string =>
  `<speak version='1.0' xmlns='http://www.w3.org/2001/10/synthesis' xml:lang='${escapeXml(language)}'>` +
  `<voice name='${escapeXml(longNameOf(voiceId))}'>` +
  `<prosody pitch='+0Hz' rate='${rateOf(speed)}' volume='+0%'>${escapeXml(text)}</prosody></voice></speak>`;
