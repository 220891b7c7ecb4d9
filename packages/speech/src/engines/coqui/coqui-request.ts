import type { ServiceRequest } from '../remote/service-client.ts';

export interface CoquiWords {
  readonly text: string;
  /** As the server spells it. */
  readonly speaker: string | undefined;
  readonly language: string | undefined;
  readonly styleWav: string | undefined;
}

/** What every server and proxy takes in an address. */
const LONGEST_QUERY = 4_000;

/**
 * The request for one text. Asked by GET, because older servers know nothing else; only what is too long for an
 * address goes by POST.
 */
export const coquiRequest = ({
  text,
  speaker,
  language,
  styleWav,
}: CoquiWords): Omit<ServiceRequest, 'signal'> => {
  const words = new URLSearchParams({ text });
  if (speaker !== undefined) words.set('speaker_id', speaker);
  if (language !== undefined) words.set('language_id', language);
  if (styleWav !== undefined) words.set('style_wav', styleWav);
  const query = words.toString();
  return query.length <= LONGEST_QUERY
    ? { method: 'GET', path: `/api/tts?${query}` }
    : {
        method: 'POST',
        path: '/api/tts',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: query,
      };
};
