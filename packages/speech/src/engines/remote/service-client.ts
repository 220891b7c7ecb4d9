import { type ErrorCode, TalebackError } from '@taleback/core';
import { type Clock, systemClock } from '@taleback/resilience';
import type { EngineProbe } from './remote-engine.ts';
import { parseServiceAddress } from './service-address.ts';
import { type ServiceFaultOptions, serviceFault } from './service-fault.ts';
import { type Refusal, readRefusal } from './service-refusal.ts';
import type { HttpAnswer, HttpRequest, SpeechHttp } from './speech-http.ts';

export interface ServiceClientOptions {
  /** The engine's name. */
  readonly service: string;
  readonly baseUrl: string;
  readonly http: SpeechHttp;
  /** Sent as a bearer token, and never repeated. */
  readonly apiKey?: string | undefined;
  /** Default: the system's. */
  readonly clock?: Pick<Clock, 'now'> | undefined;
}

export interface ServiceRequest extends Pick<HttpRequest, 'method' | 'headers' | 'body' | 'signal'> {
  /** From the base address on, such as `/v1/models`. */
  readonly path: string;
}

export interface ServiceClient {
  readonly endpoint: string;
  /** What a probe learned, and how long that took. */
  readonly timed: (probe: () => Promise<Omit<EngineProbe, 'latencyMs'>>) => Promise<EngineProbe>;
  /** @returns the answer, whatever its status. @throws TalebackError what SpeechHttp throws */
  readonly ask: (request: ServiceRequest) => Promise<HttpAnswer>;
  /** What an answer that is no success means. */
  readonly faultOf: (answer: HttpAnswer | Refusal, options?: Partial<ServiceFaultOptions>) => TalebackError;
  /**
   * The JSON of a GET.
   * @throws TalebackError the service's fault; `provider_unavailable` when something else answers
   */
  readonly getJson: (path: string, signal: AbortSignal) => Promise<unknown>;
}

/** `{...}` as a request body. */
export const jsonBody = (body: object): Pick<ServiceRequest, 'headers' | 'body'> => ({
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

const isRefusal = (answer: HttpAnswer | Refusal): answer is Refusal => 'words' in answer;

/** One speech service, and who we are to it. */
export const createServiceClient = ({
  service,
  baseUrl,
  http,
  apiKey,
  clock = systemClock,
}: ServiceClientOptions): ServiceClient => {
  const { endpoint, authorization } = parseServiceAddress(baseUrl);
  const credentials = apiKey === undefined ? authorization : `Bearer ${apiKey}`;
  const secrets = [apiKey, credentials, credentials?.split(' ')[1]].filter((secret) => secret !== undefined);

  const ask: ServiceClient['ask'] = ({ path, headers, ...request }) =>
    http({
      ...request,
      url: `${endpoint}${path}`,
      headers: { ...headers, ...(credentials === undefined ? {} : { authorization: credentials }) },
    });
  const faultOf: ServiceClient['faultOf'] = (answer, options) =>
    serviceFault(isRefusal(answer) ? answer : readRefusal(answer), { service, secrets, ...options });

  return {
    endpoint,
    ask,
    faultOf,
    timed: async (probe) => {
      const begunAtMs = clock.now();
      return { ...(await probe()), latencyMs: Math.round(clock.now() - begunAtMs) };
    },
    getJson: async (path, signal) => {
      const answer = await ask({ method: 'GET', path, signal });
      if (answer.status !== 200) throw faultOf(answer);
      try {
        return JSON.parse(Buffer.from(answer.body).toString('utf8')) as unknown;
      } catch (error) {
        const code: ErrorCode = 'provider_unavailable';
        throw new TalebackError(code, 'Something else answers at the address of the speech service.', {
          details: `${service} answered ${path} with ${answer.headers['content-type'] ?? 'no type'} and no JSON`,
          cause: error,
        });
      }
    },
  };
};
