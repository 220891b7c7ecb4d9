import { createNames, isRecord, parseJson } from '@taleback/core';

/** Taleback's own file, written by the server of the page. */
export const CONFIG_PATH = '/taleback.config.json';
/** @see https://firebase.google.com/docs/hosting/reserved-urls#sdk_auto-configuration */
export const HOSTING_CONFIG_PATH = '/__/firebase/init.json';
/** The same as a script; the Firebase CLI's own Hosting names its emulators there. */
export const HOSTING_SCRIPT_PATH = '/__/firebase/init.js?useEmulator=true';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Where the page finds its Firebase project, and its emulators when it runs on one machine. */
export interface PageConfig {
  readonly firebase: {
    readonly projectId: string;
    readonly apiKey: string;
    readonly authDomain?: string;
    readonly appId?: string;
  };
  /** Site key of reCAPTCHA Enterprise, by which Firebase App Check attests the page. Default: calls are not attested. */
  readonly appCheck?: string | undefined;
  /** Region of the callable functions. */
  readonly region: string;
  /** Which of several deployments in the project. Default: the one without a name. */
  readonly instance?: string | undefined;
  readonly emulators:
    | {
        /** Origin, such as `http://127.0.0.1:9099`. */
        readonly auth: string;
        readonly firestore: Address;
        readonly functions: Address;
      }
    | undefined;
}

export type ParsedConfig =
  | { readonly ok: true; readonly config: PageConfig }
  | { readonly ok: false; readonly sentence: string };

/** `unreachable` may be transient; anything else needs a person. */
export type LoadedConfig = ParsedConfig | { readonly ok: false; readonly unreachable: true };

/** What a field must be, in words, and whether a value is. */
interface Rule {
  readonly wanted: string;
  readonly isMet: (value: unknown) => boolean;
}
/** Rules by the dotted path of a field; a path that ends in `?` may be absent. */
type Rules = Readonly<Record<string, Rule>>;

const MAX_PORT = 65_535;
const TEXT: Rule = {
  wanted: 'a text that is not empty',
  isMet: (value) => typeof value === 'string' && value !== '',
};
const ORIGIN: Rule = {
  wanted: 'an address such as http://127.0.0.1:9099',
  isMet: (value) => typeof value === 'string' && /^https?:\/\/./.test(value) && URL.canParse(value),
};
const PORT: Rule = {
  wanted: `a whole number from 1 to ${MAX_PORT}`,
  isMet: (value) => Number.isInteger(value) && Number(value) > 0 && Number(value) <= MAX_PORT,
};
const FIREBASE: Rules = { 'authDomain?': TEXT, 'appId?': TEXT, projectId: TEXT, apiKey: TEXT };
const EMULATORS: Rules = {
  auth: ORIGIN,
  'firestore.host': TEXT,
  'firestore.port': PORT,
  'functions.host': TEXT,
  'functions.port': PORT,
};

const at = (input: unknown, path: string): unknown =>
  path.split('.').reduce((value, name) => (isRecord(value) ? value[name] : undefined), input);

const below = (path: string, rules: Rules): Rules =>
  Object.fromEntries(Object.entries(rules).map(([name, rule]) => [`${path}.${name}`, rule]));

/** Names the file and every field that is wrong, so that a person mends it once; undefined when all is right. */
const faultIn = (file: string, input: unknown, rules: Rules): string | undefined => {
  const faults = Object.entries(rules).flatMap(([name, { wanted, isMet }]) => {
    const path = name.replace('?', '');
    const value = at(input, path);
    if (isMet(value) || (value === undefined && path !== name)) return [];
    return value === undefined || value === null ? `${path} is missing` : `${path} must be ${wanted}`;
  });
  return faults.length === 0 ? undefined : `${file}: ${faults.join(', ')}.`;
};

const firebaseOf = ({ projectId, apiKey, authDomain, appId }: PageConfig['firebase']) => ({
  projectId,
  apiKey,
  ...(authDomain === undefined ? {} : { authDomain }),
  ...(appId === undefined ? {} : { appId }),
});

/** Parses Taleback's own configuration file. */
export const parseConfig = (file: string, input: unknown): ParsedConfig => {
  const sentence = faultIn(file, input, {
    'instance?': TEXT,
    ...below('firebase', FIREBASE),
    'region?': TEXT,
    'appCheck?': TEXT,
    ...(at(input, 'emulators') === undefined ? {} : below('emulators', EMULATORS)),
  });
  if (sentence !== undefined) return { ok: false, sentence };
  const { firebase, region, instance, appCheck, emulators } = input as PageConfig;
  const known = { region: region ?? createNames().region, instance, appCheck, emulators };
  return { ok: true, config: { firebase: firebaseOf(firebase), ...known } };
};

/** Parses what Firebase Hosting answers at its reserved address: the project's options and nothing else. */
export const parseHostingConfig = (
  file: string,
  input: unknown,
  emulators?: PageConfig['emulators'],
): ParsedConfig => {
  const sentence = faultIn(file, input, FIREBASE);
  if (sentence !== undefined) return { ok: false, sentence };
  const firebase = firebaseOf(input as PageConfig['firebase']);
  return { ok: true, config: { firebase, region: createNames().region, emulators } };
};

/**
 * The JSON at a path; undefined where there is none, as at a server that answers every address with its front page.
 *
 * @throws Error when the server does not answer
 */
const fetchJson = async (fetcher: typeof fetch, path: string): Promise<unknown> => {
  const response = await fetcher(path, { headers: { accept: 'application/json' } });
  if (response.status >= 500) throw new Error(`${path} was answered ${response.status}`);
  return response.ok ? parseJson(await response.text()) : undefined;
};

/** The emulators of `firebase emulators:start`; undefined where there are none. */
const findEmulators = async (fetcher: typeof fetch): Promise<PageConfig['emulators']> => {
  const script = await (await fetcher(HOSTING_SCRIPT_PATH)).text();
  const json = /^\s*var firebaseEmulators = (\{$.*?^\});/ms.exec(script)?.[1] ?? '{}';
  const { auth, firestore, functions } = JSON.parse(json) as Record<string, Address | undefined>;
  if (auth === undefined || firestore === undefined || functions === undefined) return undefined;
  return { auth: `http://${auth.host}:${auth.port}`, firestore, functions };
};

/**
 * Loads the page's configuration: Taleback's own file, else the one that Firebase Hosting reserves.
 *
 * @param hostname of the page: on this machine it must not reach for the real project beside its emulators
 */
export const loadConfig = async (fetcher: typeof fetch, hostname: string): Promise<LoadedConfig> => {
  try {
    const own = await fetchJson(fetcher, CONFIG_PATH);
    if (own !== undefined) return parseConfig(CONFIG_PATH, own);
    const hosting = await fetchJson(fetcher, HOSTING_CONFIG_PATH);
    if (hosting !== undefined) {
      const isHere = /^(?:localhost|127\.0\.0\.1)$/.test(hostname);
      const emulators = isHere ? await findEmulators(fetcher) : undefined;
      return parseHostingConfig(HOSTING_CONFIG_PATH, hosting, emulators);
    }
  } catch {
    return { ok: false, unreachable: true };
  }
  return {
    ok: false,
    sentence: `Neither ${CONFIG_PATH} nor ${HOSTING_CONFIG_PATH} could be read as JSON, so the page does not know its Firebase project.`,
  };
};
