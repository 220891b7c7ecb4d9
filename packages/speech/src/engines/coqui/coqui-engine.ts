import { coqui } from '@taleback/resilience';
import { stretched } from '../../audio/stretch.ts';
import { requireLanguage, type RemoteEngine, speaksLanguage } from '../engine.ts';
import { readSpeech } from '../remote/read-speech.ts';
import { createRemoteEngine, offeredVoices, type Repertoire } from '../remote/remote-engine.ts';
import { RequestGate } from '../remote/request-gate.ts';
import { ServiceClient, type ServiceLocation } from '../remote/service-client.ts';
import { coquiCode, coquiRequest, parseHome } from './coqui-wire.ts';

export interface CoquiEngineOptions extends ServiceLocation {
  /** The speakers to offer, the default first. Default: all that the server has. */
  readonly speakers?: readonly string[] | undefined;
  /** What the model speaks, BCP 47: a model of one language does not report it. Default: English. */
  readonly languages?: readonly string[] | undefined;
  /** A WAV file at the server, or `{"token": weight}`, for models that take a style from one. */
  readonly styleWav?: string | undefined;
}

const SERVICE = 'coqui';
/** The voice of a model that has only one; no speaker is sent to such a model. */
const ONLY_VOICE = 'default';

/**
 * A Coqui TTS server, original or its maintained fork. Neither can speak faster or slower through `/api/tts`, so the
 * sound is stretched here.
 *
 * @throws TalebackError `request_invalid` when the address is none
 */
export const createCoquiEngine = (options: CoquiEngineOptions): RemoteEngine => {
  const client = new ServiceClient({ service: SERVICE, codeOf: coquiCode, ...options });
  const { policy = coqui } = options;
  const gate = new RequestGate(policy.bulkhead?.maxConcurrent ?? 1);
  const configured = options.speakers?.map((name) => name.trim());
  /** Speakers as the server spells them, by voice. */
  let speakers: ReadonlyMap<string, string> = new Map(options.speakers?.map((name) => [name.trim(), name]));
  /** Codes of a multilingual model. Only such a model is sent one, and always. */
  let languageIds: readonly string[] = [];

  const repertoireOf = (names: readonly string[]): Repertoire => {
    const languages = languageIds.length > 0 ? languageIds : (options.languages ?? ['en']);
    return { languages, voices: names.map((name) => ({ id: name, name, languages })) };
  };
  return createRemoteEngine({
    name: SERVICE,
    policy,
    endpoint: client.endpoint,
    repertoire: repertoireOf(configured?.length ? configured : [ONLY_VOICE]),
    speak: async ({ text, speed, voice, language: wanted }, signal, profile) => {
      const language = wanted ?? profile.languages[0] ?? 'en';
      requireLanguage(profile, language);
      const request = coquiRequest({
        text,
        speaker_id: speakers.get(voice.id),
        language_id:
          languageIds.find((id) => id.toLowerCase() === language.toLowerCase()) ??
          languageIds.find((id) => speaksLanguage([id], language)),
        style_wav: options.styleWav,
      });
      const sound = await gate.run(signal, async () => {
        const answer = await client.ask({ ...request, signal });
        if (answer.status === 200) return readSpeech(answer, SERVICE);
        throw client.faultOf(answer);
      });
      return stretched(sound, speed);
    },
    probe: async (signal) => {
      const home = parseHome(await client.request('/', signal));
      const names = [...home.speakers.keys()];
      const { voices: there } = repertoireOf(configured?.length || names.length > 0 ? names : [ONLY_VOICE]);
      const nothing = 'one voice without a name';
      const offered = offeredVoices({ service: SERVICE, there, configured, nothing });
      speakers = home.speakers;
      languageIds = [...home.languages.values()];
      const repertoire = repertoireOf(offered.map(({ id }) => id));
      return { details: `${names.length || 1} voices; ${repertoire.languages.join(', ')}`, repertoire };
    },
  });
};
