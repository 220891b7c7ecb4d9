import type { ErrorCode } from '@taleback/core';
import type { ServiceRequest } from '../remote/service-client.ts';
import { answeredByAnother, type Refusal } from '../remote/service-fault.ts';
import type { HttpAnswer } from '../remote/speech-http.node.ts';

/** Every server and proxy accepts addresses of this length. */
const LONGEST_QUERY = 4_000;

/**
 * The request for one text: GET, because older servers support nothing else; POST for what is too long for an address.
 *
 * @param fields such as `text` and `speaker_id`; those that are undefined are left out
 */
export const coquiRequest = (
  fields: Readonly<Record<string, string | undefined>>,
): Omit<ServiceRequest, 'signal'> => {
  const fieldsInUse = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) fieldsInUse.set(name, value);
  const query = fieldsInUse.toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return query.length <= LONGEST_QUERY
    ? { method: 'GET', path: `/api/tts?${query}` }
    : { method: 'POST', path: '/api/tts', headers, body: query };
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

/** By their trimmed names. */
const distinct = (names: readonly string[]): ReadonlyMap<string, string> => {
  const found = new Map(names.map((name) => [name.trim(), name]));
  found.delete('');
  return found;
};

/**
 * The speakers and languages of the server's model, by their names; none for a model of one voice or language. Their values
 * are as the server spells them: some names of VCTK end with a line break.
 *
 * @throws TalebackError `provider_unavailable` when it is not the page of such a server
 */
export const parseHome = ({ body, headers }: HttpAnswer) => {
  const page = Buffer.from(body).toString('utf8');
  if (!/coqui|TTS engine/iu.test(page)) {
    throw answeredByAnother(
      `coqui answered / with ${headers['content-type'] ?? 'no type'} that is not its page`,
    );
  }
  return {
    speakers: distinct(htmlOptions(page, 'speaker_id')),
    languages: distinct(htmlOptions(page, 'language_id')),
  };
};
