import { TalebackError } from '@taleback/core';
import type { HttpAnswer } from '../remote/speech-http.ts';
import { htmlOptions } from './html-options.ts';

/** What the server's page for people tells of its model. */
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
    throw new TalebackError(
      'provider_unavailable',
      'Something else answers at the address of the speech service.',
      {
        details: `coqui answered / with ${headers['content-type'] ?? 'no type'} that is not its page`,
      },
    );
  }
  return {
    speakers: distinct(htmlOptions(page, 'speaker_id')),
    languageIds: distinct(htmlOptions(page, 'language_id')),
  };
};
