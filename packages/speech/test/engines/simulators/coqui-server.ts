import {
  type HttpSimulator,
  jsonAnswer,
  openHttpSimulator,
  pageAnswer,
  type SimulatedAnswer,
  type SimulatedCall,
} from './http-simulator.ts';
import { spokenTones } from './spoken-tones.ts';
import { wavFile } from './wav-file.ts';

export interface CoquiServerOptions {
  readonly port: number;
  /** Coqui's own server, which fails with a page, or the living fork. Default `fork`. */
  readonly kind?: 'original' | 'fork';
  /** Default: a model of one voice. */
  readonly speakers?: readonly string[];
  /** Codes of a model of many languages. Default: a model of one. */
  readonly languages?: readonly string[];
}

const RATE_HZ = 22_050;
const FAILURE = pageAnswer(500, '500 Internal Server Error');

const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/gu, (sign) => `&#${sign.codePointAt(0) ?? 0};`);

const select = (id: string, values: readonly string[]): string =>
  values.length === 0
    ? ''
    : `Choose:\n<select id="${id}" name=${id} method="GET" action="/">\n${values
        .map((value) => `<option value="${escapeHtml(value)}" SELECTED>${escapeHtml(value)}</option>"\n`)
        .join('')}</select><br /><br />`;

/** Text and choices, from the address, a form or, before both, headers. */
const wordsOf = ({ query, body, headers }: SimulatedCall) => {
  const form = new URLSearchParams(body.toString('utf8'));
  const word = (name: string): string =>
    headers[name.replace('_', '-')] ?? query.get(name) ?? form.get(name) ?? '';
  return {
    text: word('text'),
    speaker: word('speaker_id'),
    language: word('language_id'),
    style: word('style_wav'),
  };
};

/** A Coqui TTS server on a loopback port, with its one lock. It speaks tones. */
export const openCoquiServer = ({
  port,
  kind = 'fork',
  speakers = [],
  languages = [],
}: CoquiServerOptions): Promise<HttpSimulator> => {
  let lock: Promise<unknown> = Promise.resolve();

  const home = (): SimulatedAnswer => ({
    status: 200,
    headers: { 'content-type': 'text/html; charset=utf-8' },
    body: `<!DOCTYPE html><html lang="en"><head><title>TTS engine</title>
<meta name="author" content="Coqui AI TTS"></head><body><input id="text" type="text" name="text">
${select('speaker_id', speakers)}${kind === 'fork' ? select('language_id', languages) : ''}</body></html>`,
  });

  const failure = (words: string): SimulatedAnswer =>
    kind === 'original' ? FAILURE : jsonAnswer(500, { error: `TTS synthesis failed: ${words}` });

  const speak = (call: SimulatedCall): SimulatedAnswer => {
    const { text, speaker, language, style } = wordsOf(call);
    if (text.trim() === '') {
      return kind === 'original' ? FAILURE : jsonAnswer(400, { error: 'Text parameter is required' });
    }
    if (speakers.length > 0 && !speakers.includes(speaker)) {
      return failure(`Speaker ${speaker} not found.`);
    }
    // A model of one voice fails when it is given a name.
    if (speakers.length === 0 && speaker !== '' && kind === 'original') return FAILURE;
    if (languages.length > 0 && kind === 'fork' && !languages.includes(language || 'en')) {
      return failure(`Language ${language} is not supported.`);
    }
    const voice = [speaker, language, style].join();
    const samples = spokenTones({ text, voice, speed: 1, sampleRateHz: RATE_HZ });
    return {
      status: 200,
      headers: { 'content-type': 'audio/wav', server: 'Werkzeug/3.0 Python/3.11' },
      body: wavFile({ samples, sampleRateHz: RATE_HZ }),
    };
  };

  const locale = languages.length > 0 ? 'multilingual' : 'en';
  return openHttpSimulator({
    port,
    answer: async (call, atWork) => {
      switch (call.path) {
        case '/':
          return home();
        case '/api/tts': {
          const turn = lock.then(async () => {
            await atWork();
            return speak(call);
          });
          lock = turn.catch(() => {});
          return turn;
        }
        case '/voices': {
          const lines = (speakers.length > 0 ? speakers : ['vits']).map((name) => `${name} ${locale} u\n`);
          return { ...home(), body: lines.join('') };
        }
        case '/details':
          return kind === 'original' ? FAILURE : home();
        default:
          return pageAnswer(404, '404 Not Found');
      }
    },
  });
};
