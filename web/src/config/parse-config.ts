import { createNames } from '@taleback/core';

/** Where the page finds its Firebase project, and its emulators when it runs on one machine. */
export interface PageConfig {
  readonly firebase: FirebaseOptions;
  /** Region of the callable functions. */
  readonly region: string;
  /** Which of several deployments in the project. Default: the one without a name. */
  readonly instance?: string;
  readonly emulators: Emulators | undefined;
}

export interface FirebaseOptions {
  readonly projectId: string;
  readonly apiKey: string;
  readonly authDomain?: string;
  readonly appId?: string;
}

export interface Emulators {
  /** Origin, such as `http://127.0.0.1:9099`. */
  readonly auth: string;
  readonly firestore: Address;
  readonly functions: Address;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

export type ParsedConfig =
  | { readonly ok: true; readonly config: PageConfig }
  | { readonly ok: false; readonly sentence: string };

const MAX_PORT = 65_535;

const at = (input: unknown, path: string): unknown => {
  let value = input;
  for (const name of path.split('.')) {
    value =
      typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
  }
  return value;
};

/** Reads an input by dotted paths and collects every fault, so that a person mends the file once. */
const reading = (input: unknown) => {
  const faults: string[] = [];
  const fault = (path: string, value: unknown, wanted: string): void => {
    faults.push(value === undefined || value === null ? `${path} is missing` : `${path} must be ${wanted}`);
  };
  const text = (path: string): string => {
    const value = at(input, path);
    if (typeof value === 'string' && value !== '') return value;
    fault(path, value, 'a text that is not empty');
    return '';
  };
  const optionalText = (path: string): string | undefined =>
    at(input, path) === undefined ? undefined : text(path);
  const origin = (path: string): string => {
    const value = at(input, path);
    if (typeof value === 'string' && /^https?:\/\/./.test(value) && URL.canParse(value)) return value;
    fault(path, value, 'an address such as http://127.0.0.1:9099');
    return '';
  };
  const address = (path: string): Address => {
    const host = text(`${path}.host`);
    const port = at(input, `${path}.port`);
    if (typeof port === 'number' && Number.isInteger(port) && port > 0 && port <= MAX_PORT) {
      return { host, port };
    }
    fault(`${path}.port`, port, `a whole number from 1 to ${MAX_PORT}`);
    return { host, port: 0 };
  };
  const firebase = (path: '' | 'firebase.'): FirebaseOptions => {
    const authDomain = optionalText(`${path}authDomain`);
    const appId = optionalText(`${path}appId`);
    return {
      projectId: text(`${path}projectId`),
      apiKey: text(`${path}apiKey`),
      ...(authDomain === undefined ? {} : { authDomain }),
      ...(appId === undefined ? {} : { appId }),
    };
  };
  return { faults, optionalText, origin, address, firebase };
};

/** Parses Taleback's own configuration file; a fault names the file and each field that is wrong. */
export const parseConfig = (file: string, input: unknown): ParsedConfig => {
  const { faults, ...read } = reading(input);
  const instance = read.optionalText('instance');
  const config = {
    firebase: read.firebase('firebase.'),
    region: read.optionalText('region') ?? createNames().region,
    ...(instance === undefined ? {} : { instance }),
    emulators:
      at(input, 'emulators') === undefined
        ? undefined
        : {
            auth: read.origin('emulators.auth'),
            firestore: read.address('emulators.firestore'),
            functions: read.address('emulators.functions'),
          },
  };
  return faults.length === 0
    ? { ok: true, config }
    : { ok: false, sentence: `${file}: ${faults.join(', ')}.` };
};

/** Parses what Firebase Hosting answers at its reserved address: the project's options and nothing else. */
export const parseHostingConfig = (file: string, input: unknown): ParsedConfig => {
  const { faults, ...read } = reading(input);
  const firebase = read.firebase('');
  return faults.length === 0
    ? { ok: true, config: { firebase, region: createNames().region, emulators: undefined } }
    : { ok: false, sentence: `${file}: ${faults.join(', ')}.` };
};
