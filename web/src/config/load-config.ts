import { type ParsedConfig, parseConfig, parseHostingConfig } from './parse-config.ts';

/** Taleback's own file, written by the server of the page. */
export const CONFIG_PATH = '/taleback.config.json';
/** @see https://firebase.google.com/docs/hosting/reserved-urls#sdk_auto-configuration */
export const HOSTING_CONFIG_PATH = '/__/firebase/init.json';

/** `unreachable` may be transient; anything else needs a person. */
export type LoadedConfig = ParsedConfig | { readonly ok: false; readonly unreachable: true };

type Fetched =
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unreachable' };

/** A server that answers every address with its front page has no such file either. */
const fetchJson = async (fetcher: typeof fetch, path: string): Promise<Fetched> => {
  let body: string;
  try {
    const response = await fetcher(path, { headers: { accept: 'application/json' } });
    if (response.status >= 500) return { kind: 'unreachable' };
    if (!response.ok) return { kind: 'absent' };
    body = await response.text();
  } catch {
    return { kind: 'unreachable' };
  }
  try {
    return { kind: 'json', value: JSON.parse(body) };
  } catch {
    return { kind: 'absent' };
  }
};

/** Loads the page's configuration: Taleback's own file, else the one that Firebase Hosting reserves. */
export const loadConfig = async (fetcher: typeof fetch): Promise<LoadedConfig> => {
  const own = await fetchJson(fetcher, CONFIG_PATH);
  if (own.kind === 'unreachable') return { ok: false, unreachable: true };
  if (own.kind === 'json') return parseConfig(CONFIG_PATH, own.value);
  const hosting = await fetchJson(fetcher, HOSTING_CONFIG_PATH);
  if (hosting.kind === 'unreachable') return { ok: false, unreachable: true };
  if (hosting.kind === 'json') return parseHostingConfig(HOSTING_CONFIG_PATH, hosting.value);
  return {
    ok: false,
    sentence: `Neither ${CONFIG_PATH} nor ${HOSTING_CONFIG_PATH} could be read as JSON, so the page does not know its Firebase project.`,
  };
};
