/** Where the page finds its Firebase project, and its emulators when it runs on one machine. */
export interface PageConfig {
  readonly firebase: FirebaseOptions;
  /** Region of the callable functions. */
  readonly region: string;
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
