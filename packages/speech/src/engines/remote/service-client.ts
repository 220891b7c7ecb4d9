import { unescape } from 'node:querystring';
import { inspect } from 'node:util';
import { TalebackError, toTalebackError } from '@taleback/core/errors';
import { parseJson } from '@taleback/core/json';
import type { ResilienceProfile } from '@taleback/resilience';
import {
  answeredByAnother,
  type Refusal,
  readRefusal,
  redact,
  type ServiceFaultOptions,
  serviceFault,
} from './service-fault.ts';
import type { HttpAnswer, HttpRequest, SpeechHttp } from './speech-http.node.ts';

/**
 * The address without credentials, query and closing slash, such as `http://127.0.0.1:8880`, and what the credentials in
 * it say, for the header of that name.
 *
 * @throws TalebackError `request_invalid` for what is no address of http or https; it does not repeat it
 */
export const parseServiceAddress = (
  baseUrl: string,
): { readonly endpoint: string; readonly authorization: string | undefined } => {
  const url = URL.parse(baseUrl);
  if (url === null || !/^https?:$/u.test(url.protocol)) {
    const message = 'The address of a speech service must begin with http:// or https://.';
    throw new TalebackError('request_invalid', message);
  }
  const userInfo = [url.username, url.password].map((part) => unescape(part)).join(':');
  return {
    endpoint: `${url.origin}${url.pathname.replace(/\/+$/u, '')}`,
    authorization: userInfo === ':' ? undefined : `Basic ${Buffer.from(userInfo).toString('base64')}`,
  };
};

export interface ServiceLocation {
  /** Such as `http://127.0.0.1:8880`. */
  readonly baseUrl: string;
  readonly http: SpeechHttp;
  /** For the service or a proxy in front of it. Never repeated in an error. */
  readonly apiKey?: string | undefined;
  /** Default: the profile of the engine's name. */
  readonly policy?: ResilienceProfile | undefined;
}

export interface ServiceClientOptions
  extends ServiceLocation,
    Pick<ServiceFaultOptions, 'service' | 'codeOf'> {
  /** Header for the key. Default: it is sent as a bearer token. */
  readonly apiKeyHeader?: string | undefined;
}

export interface ServiceRequest extends Omit<HttpRequest, 'url'> {
  /** From the base address on, such as `/v1/models`. */
  readonly path: string;
}

/** One speech service at its address, with our credentials. */
export class ServiceClient {
  /** Its address without credentials. */
  readonly endpoint: string;
  readonly #options: ServiceClientOptions;
  readonly #credentials: Readonly<Record<string, string>>;
  readonly #secrets: readonly string[];

  /** @throws TalebackError `request_invalid` for the address */
  constructor(options: ServiceClientOptions) {
    const { endpoint, authorization } = parseServiceAddress(options.baseUrl);
    const { apiKey = '', apiKeyHeader } = options;
    const key = apiKeyHeader === undefined ? `Bearer ${apiKey}` : apiKey;
    this.endpoint = endpoint;
    this.#options = options;
    this.#credentials = {
      ...(authorization === undefined ? {} : { authorization }),
      ...(options.apiKey === undefined ? {} : { [apiKeyHeader ?? 'authorization']: key }),
    };
    this.#secrets = Object.values(this.#credentials)
      .flatMap((value) => [value, value.split(' ')[1] ?? ''])
      .filter((secret) => secret !== '');
  }

  /** The answer, whatever its status. @throws TalebackError what SpeechHttp throws, without our credentials */
  async ask({ path, headers, ...request }: ServiceRequest): Promise<HttpAnswer> {
    try {
      const url = `${this.endpoint}${path}`;
      return await this.#options.http({ ...request, url, headers: { ...headers, ...this.#credentials } });
    } catch (error) {
      throw withoutSecrets(toTalebackError(error), this.#secrets);
    }
  }

  /** The answer with status 200 to a GET, or with `json` to a POST. @throws TalebackError the service's fault */
  async request(path: string, signal: AbortSignal | undefined, json?: object): Promise<HttpAnswer> {
    const answer = await this.ask(
      json === undefined ? { method: 'GET', path, signal } : { ...jsonPost(path, json), signal },
    );
    if (answer.status === 200) return answer;
    throw this.faultOf(answer);
  }

  /** The JSON of a GET. @throws TalebackError the service's fault; `provider_unavailable` for what is no JSON */
  async getJson(path: string, signal: AbortSignal): Promise<unknown> {
    const { headers, body } = await this.request(path, signal);
    const json = parseJson(body);
    if (json !== undefined) return json;
    const type = headers['content-type'] ?? 'no type';
    throw answeredByAnother(`${this.#options.service} answered ${path} with ${type} and no JSON`);
  }

  faultOf(answer: HttpAnswer | Refusal, options: Partial<ServiceFaultOptions> = {}): TalebackError {
    const { service, codeOf } = this.#options;
    const refusal = 'words' in answer ? answer : readRefusal(answer);
    return serviceFault(refusal, { service, codeOf, secrets: this.#secrets, ...options });
  }
}

/** A POST of `{...}`; members that are undefined are left out. */
export const jsonPost = (path: string, json: object): Omit<ServiceRequest, 'signal'> => ({
  method: 'POST',
  path,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(json),
});

/** Errors of an HTTP client may hold the request and with it our credentials. */
const withoutSecrets = (error: TalebackError, secrets: readonly string[]): TalebackError => {
  const words = secrets.length === 0 ? '' : inspect(error, { depth: 8 });
  if (!secrets.some((secret) => words.includes(secret))) return error;
  const { code, message, details, retryable, retryAfterMs } = error;
  return new TalebackError(code, redact(message, secrets), {
    retryable,
    ...(details === undefined ? {} : { details: redact(details, secrets) }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
};
