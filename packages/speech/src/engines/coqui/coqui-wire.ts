import { type ErrorCode, TalebackError } from '@taleback/core';
import type { ServiceRequest } from '../remote/service-client.ts';
import type { Refusal } from '../remote/service-fault.ts';
import type { HttpAnswer } from '../remote/speech-http.node.ts';

export interface CoquiWords {
  readonly text: string;
  /** As the server spells it. */
  readonly speaker: string | undefined;
  readonly language: string | undefined;
  readonly styleWav: string | undefined;
}

/** Every server and proxy accepts addresses of this length. */
const LONGEST_QUERY = 4_000;

/**
 * The request for one text: GET, because older servers support nothing else; POST for what is too long for an address.
 */
export const coquiRequest = ({
  text,
  speaker,
  language,
  styleWav,
}: CoquiWords): Omit<ServiceRequest, 'signal'> => {
  const query = new URLSearchParams({ text });
  if (speaker !== undefined) query.set('speaker_id', speaker);
  if (language !== undefined) query.set('language_id', language);
  if (styleWav !== undefined) query.set('style_wav', styleWav);
  const encoded = query.toString();
  return encoded.length <= LONGEST_QUERY
    ? { method: 'GET', path: `/api/tts?${encoded}` }
    : {
        method: 'POST',
        path: '/api/tts',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: encoded,
      };
};

/**
 * What the fork's messages mean. The original answers every fault with Flask's page, also an unknown speaker, so its
 * status 500 is all that is known.
 */
export const coquiCode = ({ status, words, isPage }: Refusal): ErrorCode | undefined => {
  if (isPage) return undefined;
  if (status === 400) return /text parameter is required/iu.test(words) ? 'text_empty' : undefined;
  if (status !== 500) return undefined;
  if (/\bspeaker\b/iu.test(words)) return 'voice_not_found';
  return /\blanguage\b/iu.test(words) ? 'language_unsupported' : undefined;
};

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

const unescapeHtml = (text: string): string =>
  text.replace(/&(?:#(\d+)|([a-z]+));/gu, (entity, code: string | undefined, name: string | undefined) =>
    code === undefined
      ? (ENTITIES[name ?? ''] ?? entity)
      : String.fromCodePoint(Math.min(Number(code), 0x10_ffff)),
  );

/**
 * The options of one `<select>` on the server's page: the only place where both kinds of server list their speakers and
 * languages, line breaks in names included.
 *
 * @param id of the element, such as `speaker_id`
 */
export const htmlOptions = (page: string, id: string): string[] => {
  const [, choices = ''] = new RegExp(`<select[^>]*\\bid="${id}"[^>]*>(.*?)</select>`, 'su').exec(page) ?? [];
  return [...choices.matchAll(/<option[^>]*\bvalue="([^"]*)"/gu)].map(([, value = '']) =>
    unescapeHtml(value),
  );
};

/** What the server's page reports about its model. */
export interface CoquiHome {
  /** None for a model of one voice. As the server spells them: some names of VCTK end with a line break. */
  readonly speakers: readonly string[];
  /** None for a model of one language. */
  readonly languageIds: readonly string[];
}

const distinct = (names: readonly string[]): string[] => {
  const seen = new Map(names.map((name) => [name.trim(), name]));
  seen.delete('');
  return [...seen.values()];
};

/** @throws TalebackError `provider_unavailable` when it is not the page of such a server */
export const parseHome = ({ body, headers }: HttpAnswer): CoquiHome => {
  const page = Buffer.from(body).toString('utf8');
  if (!/coqui|TTS engine/iu.test(page)) {
    const message = 'Something else answers at the address of the speech service.';
    const details = `coqui answered / with ${headers['content-type'] ?? 'no type'} that is not its page`;
    throw new TalebackError('provider_unavailable', message, { details });
  }
  return {
    speakers: distinct(htmlOptions(page, 'speaker_id')),
    languageIds: distinct(htmlOptions(page, 'language_id')),
  };
};
