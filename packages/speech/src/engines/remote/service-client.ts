import { unescape } from 'node:querystring';
import { inspect } from 'node:util';
import { TalebackError, toTalebackError } from '@taleback/core/errors';
import { type Clock, systemClock } from '@taleback/resilience';
import type { EngineProbe } from '../engine.ts';
import {
  parseJson,
  type Refusal,
  readRefusal,
  type ServiceFaultOptions,
  serviceFault,
} from './service-fault.ts';
import type { HttpAnswer, HttpRequest, SpeechHttp } from './speech-http.node.ts';

interface ServiceAddress {
  /** Without credentials, query and closing slash, such as `http://127.0.0.1:8880`. */
  readonly endpoint: string;
  /** What the credentials in the address say, for the header of that name. */
  readonly authorization: string | undefined;
}

/** @throws TalebackError `request_invalid` for what is no address of http or https; it does not repeat it */
export const parseServiceAddress = (baseUrl: string): ServiceAddress => {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (url === undefined || !/^https?:$/u.test(url.protocol)) {
    throw new TalebackError(
      'request_invalid',
      'The address of a speech service must begin with http:// or https://.',
    );
  }
  const userInfo = [url.username, url.password].map((part) => unescape(part)).join(':');
  return {
    endpoint: `${url.origin}${url.pathname.replace(/\/+$/u, '')}`,
    authorization: userInfo === ':' ? undefined : `Basic ${Buffer.from(userInfo).toString('base64')}`,
  };
};

export interface ServiceClientOptions {
  /** The engine's name. */
  readonly service: string;
  readonly baseUrl: string;
  readonly http: SpeechHttp;
  /** Never repeated in an error. */
  readonly apiKey?: string | undefined;
  /** Header for the key. Default: it is sent as a bearer token. */
  readonly apiKeyHeader?: string | undefined;
  /** Default: the system's. */
  readonly clock?: Pick<Clock, 'now'> | undefined;
}

export interface ServiceRequest extends Pick<HttpRequest, 'method' | 'headers' | 'body' | 'signal'> {
  /** From the base address on, such as `/v1/models`. */
  readonly path: string;
}

/** One speech service at its address, with our credentials. */
export interface ServiceClient {
  readonly endpoint: string;
  /** The result of a probe, with the time it took. */
  readonly timed: (probe: () => Promise<Omit<EngineProbe, 'latencyMs'>>) => Promise<EngineProbe>;
  /** @returns the answer, whatever its status. @throws TalebackError what SpeechHttp throws, without our credentials */
  readonly ask: (request: ServiceRequest) => Promise<HttpAnswer>;
  /** The error for an answer that is not a success. */
  readonly faultOf: (answer: HttpAnswer | Refusal, options?: Partial<ServiceFaultOptions>) => TalebackError;
  /** The answer to a GET. @throws TalebackError the service's fault */
  readonly get: (
    path: string,
    signal: AbortSignal,
    options?: Partial<ServiceFaultOptions>,
  ) => Promise<HttpAnswer>;
  /** Its JSON. @throws TalebackError the service's fault; `provider_unavailable` when something else answers */
  readonly getJson: (
    path: string,
    signal: AbortSignal,
    options?: Partial<ServiceFaultOptions>,
  ) => Promise<unknown>;
}

/** `{...}` as a request body. */
export const jsonBody = (body: object): Pick<ServiceRequest, 'headers' | 'body'> => ({
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

/** @throws TalebackError `request_invalid` for the address */
export const createServiceClient = (options: ServiceClientOptions): ServiceClient => {
  const { service, baseUrl, http, apiKey, apiKeyHeader, clock = systemClock } = options;
  const { endpoint, authorization } = parseServiceAddress(baseUrl);
  const credentials: Readonly<Record<string, string>> = {
    ...(authorization === undefined ? {} : { authorization }),
    ...(apiKey === undefined
      ? {}
      : apiKeyHeader === undefined
        ? { authorization: `Bearer ${apiKey}` }
        : { [apiKeyHeader]: apiKey }),
  };
  const secrets = [
    apiKey,
    ...Object.values(credentials).flatMap((value) => [value, value.split(' ')[1]]),
  ].filter((secret) => secret !== undefined && secret !== '') as string[];

  const faultOf: ServiceClient['faultOf'] = (answer, faultOptions) =>
    serviceFault('words' in answer ? answer : readRefusal(answer), { service, secrets, ...faultOptions });

  const ask: ServiceClient['ask'] = async ({ path, headers, ...request }) => {
    try {
      return await http({ ...request, url: `${endpoint}${path}`, headers: { ...headers, ...credentials } });
    } catch (error) {
      throw withoutSecrets(toTalebackError(error), secrets);
    }
  };

  const get: ServiceClient['get'] = async (path, signal, faultOptions) => {
    const answer = await ask({ method: 'GET', path, signal });
    if (answer.status !== 200) throw faultOf(answer, faultOptions);
    return answer;
  };

  return {
    endpoint,
    ask,
    faultOf,
    get,
    timed: async (probe) => {
      const startedAtMs = clock.now();
      return { ...(await probe()), latencyMs: Math.max(0, Math.round(clock.now() - startedAtMs)) };
    },
    getJson: async (path, signal, faultOptions) => {
      const answer = await get(path, signal, faultOptions);
      const json = parseJson(answer.body);
      if (json !== undefined) return json;
      throw new TalebackError(
        'provider_unavailable',
        'Something else answers at the address of the speech service.',
        {
          details: `${service} answered ${path} with ${answer.headers['content-type'] ?? 'no type'} and no JSON`,
        },
      );
    },
  };
};

/** Errors of an HTTP client may hold the request and with it our credentials. */
const withoutSecrets = (error: TalebackError, secrets: readonly string[]): TalebackError => {
  const words = secrets.length === 0 ? '' : inspect(error, { depth: 8 });
  if (!secrets.some((secret) => words.includes(secret))) return error;
  const redact = (text: string): string =>
    secrets.reduce((cleaned, secret) => cleaned.replaceAll(secret, '[redacted]'), text);
  return new TalebackError(error.code, redact(error.message), {
    retryable: error.retryable,
    ...(error.details === undefined ? {} : { details: redact(error.details) }),
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
  });
};
