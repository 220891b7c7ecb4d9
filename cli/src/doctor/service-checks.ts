import { isTalebackError, type TalebackError } from '@taleback/core';
import { tryWithDeadline } from '@taleback/resilience';
import { diagnose, type NetworkProbe } from '@taleback/speech/diagnosis';
import type { WorkerConfig } from '@taleback/worker/src/config.ts';
import type { Environment } from '../options.node.ts';
import { type Check, type CheckGroup, failed, failedBy, type Finding } from './examine.ts';

/** Where a service is, or why it is not asked. */
type Place = { readonly url: string } | { readonly skipped: string };

/** Where Pub/Sub is: its emulator, else Google's. */
export const pubsubPlace = ({ source }: WorkerConfig, environment: Environment): Place => {
  if (source.kind !== 'pubsub') return { skipped: `Jobs come from ${source.kind}.` };
  const emulator = environment['PUBSUB_EMULATOR_HOST'];
  return { url: emulator ? `http://${emulator}` : 'https://pubsub.googleapis.com' };
};

/** Where Firestore is: its emulator, else Google's. The worker itself does not need it. */
export const firestorePlace = (environment: Environment): Place => {
  const emulator = environment['FIRESTORE_EMULATOR_HOST'];
  if (emulator) return { url: `http://${emulator}` };
  return environment['GOOGLE_CLOUD_PROJECT'] || environment['GCLOUD_PROJECT']
    ? { url: 'https://firestore.googleapis.com' }
    : { skipped: 'No project is named, and the worker itself needs none of it.' };
};

interface Looking {
  readonly network: NetworkProbe;
  /** Time for it all, ms: less than the check has, so that its words come through. */
  readonly timeoutMs: number;
}

export interface PlaceCheckOptions extends Looking {
  readonly name: string;
  readonly group: CheckGroup;
  readonly place: Place;
  /** Asked once it is reached; resolves with a line about it. @throws TalebackError */
  readonly health?: ((signal: AbortSignal) => Promise<string>) | undefined;
}

/** A service that the worker depends on: whether it is reached, over TLS where it has that. */
export const placeCheck = ({ name, group, network, place, health, timeoutMs }: PlaceCheckOptions): Check => ({
  name,
  group,
  run: async (signal) => {
    if ('skipped' in place) return { status: 'skipped', summary: place.skipped };
    const diagnosis = await diagnose(place.url, { network, health }, { timeoutMs, signal });
    if (!diagnosis.ok) return failedBy(diagnosis);
    const words = health === undefined ? 'is reached' : (diagnosis.steps.at(-1)?.words ?? '');
    return { status: 'ok', summary: `${diagnosis.target}: ${words}.` };
  },
});

/** Where a store is reached; undefined for a folder. */
export const storeUrl = (storage: WorkerConfig['storage' | 'privateStorage']): string | undefined => {
  if (storage.kind === 'folder' || storage.kind === 'private-folder') return undefined;
  if (storage.kind === 'gcs') return storage.endpoint ?? 'https://storage.googleapis.com';
  const { endpoint, addressing, bucket } = storage;
  return addressing === 'path' ? endpoint : endpoint.replace(/^(https?:\/\/)/, `$1${bucket}.`);
};

/**
 * Addresses at which everyone could read what is in the private store, were its bucket public. None for a folder.
 *
 * @param key of an object that is there
 */
export const openAddresses = (
  { storage, privateStorage }: Pick<WorkerConfig, 'storage' | 'privateStorage'>,
  key: string,
): readonly string[] => {
  const url = storeUrl(privateStorage);
  if (url === undefined || !('bucket' in privateStorage)) return [];
  const isNamed = privateStorage.kind === 's3' && privateStorage.addressing !== 'path';
  const published = 'publicUrl' in storage && storage.publicUrl;
  return [isNamed ? url : `${url}/${privateStorage.bucket}`, ...(published ? [published] : [])].map(
    (base) => `${base}/${key}`,
  );
};

export interface StorageCheckOptions extends Looking {
  /** Default `audio store`. */
  readonly name?: string;
  /** What people call it, such as `the bucket tales at https://s3.example`. */
  readonly place: string;
  /** Where it is reached; undefined for a folder. */
  readonly url: string | undefined;
  /** Proves that it can be written and read, asking once. @throws TalebackError */
  readonly check: (signal: AbortSignal) => Promise<void>;
}

/** A store: whether it is reached, takes our key, and can be written and read. */
export const storageCheck = ({
  name = 'audio store',
  network,
  place,
  url,
  check,
  timeoutMs,
}: StorageCheckOptions): Check => {
  const named = `${place.charAt(0).toUpperCase()}${place.slice(1)}`;
  const well: Finding = { status: 'ok', summary: `${named} can be written and read.` };
  const run = async (signal: AbortSignal): Promise<Finding> => {
    if (url === undefined) {
      const outcome = await tryWithDeadline(check, timeoutMs, { signal });
      if (outcome.kind === 'completed') return well;
      const summary = `${named} did not answer within ${timeoutMs / 1000} s.`;
      return failed('timed_out', summary, 'Look at the disk, or at the server of the network folder');
    }
    let refusal: TalebackError | undefined;
    const health = async (inner: AbortSignal): Promise<string> => {
      try {
        await check(inner);
        return '';
      } catch (error) {
        if (isTalebackError(error)) refusal = error;
        throw error;
      }
    };
    const diagnosis = await diagnose(url, { network, health }, { timeoutMs, signal });
    if (diagnosis.ok) return well;
    // What it says itself is closer than that it says something.
    const isOwnWord = diagnosis.trouble === 'service' && refusal !== undefined;
    const words = isOwnWord ? `${refusal?.message}.` : diagnosis.summary;
    return { ...failedBy(diagnosis), summary: `${named}: ${words}` };
  };
  return { name, group: 'storage', run };
};

export interface ReceiverAnswer {
  readonly status: number;
  /** The beginning of its body. */
  readonly excerpt: string;
}

export interface ReceiverCheckOptions extends Looking {
  /** Base address, without /api/tts; undefined when it is not known. */
  readonly baseUrl: string | undefined;
  /** Posts a signed JSON body, and rejects when no answer came. Undefined when there is no secret for it. */
  readonly post: ((url: string, body: unknown, signal: AbortSignal) => Promise<ReceiverAnswer>) | undefined;
}

/** A story that does not exist, so that nothing changes. The same as that of `npm run check-callbacks`. */
const PROBE = { story_id: 'taleback-check-callbacks-probe', error: 'A probe of taleback doctor' };

/** How a Taleback receiver begins what it answers when it accepts. */
const ACCEPTED = /^\s*\{\s*"success"\s*:\s*true/;
/** A page for people, or that of a proxy. */
const PAGE = /^\s*</;

/** What else than a Taleback receiver answers so; undefined when one may have. */
const foreignWords = ({ status, excerpt }: ReceiverAnswer): string | undefined => {
  const isPage = PAGE.test(excerpt);
  if (status >= 200 && status <= 299) {
    if (ACCEPTED.test(excerpt)) return undefined;
    const other = excerpt.trim() === '' ? 'nothing' : 'other words';
    return `it answers ${status} with ${isPage ? 'a page for people' : other}`;
  }
  if (status >= 300 && status <= 399) return `it answers ${status}, which leads elsewhere`;
  const isProxy = isPage && (status === 401 || status === 429 || status >= 500);
  return isProxy ? `it answers ${status} with a page` : undefined;
};

const NO_RECEIVER = failed(
  'callback_undeliverable',
  'There is no receiver at this address.',
  'Check the address: it is the base, without /api/tts',
);

const FINDINGS: Readonly<Record<number, Finding>> = {
  401: failed(
    'credentials_invalid',
    'It does not accept our signature.',
    'Give both sides the same CALLBACK_SECRETS, CALLBACK_SIGNING and HMAC_HEADER_PREFIX, and the same time',
  ),
  403: failed(
    'permission_denied',
    'Something before it refuses us.',
    'Look at what stands before the receiver: it has to let unauthenticated calls pass',
  ),
  404: NO_RECEIVER,
  405: NO_RECEIVER,
  429: failed(
    'provider_rate_limited',
    'It is asked for too much.',
    'Wait a minute: its rate limit is reached',
  ),
  503: {
    status: 'warning',
    code: 'callback_undeliverable',
    summary: 'It accepts our signature, and its store is away.',
    suggestions: ['Look at Firestore: callbacks wait in the outbox meanwhile'],
  },
};

/** An unknown story is refused only after the signature was accepted. */
const judgeAnswer = (answer: ReceiverAnswer): Finding => {
  const { status, excerpt: details } = answer;
  const words = foreignWords(answer);
  if (words !== undefined) {
    const summary = `What answers there is not a Taleback receiver: ${words}.`;
    const remedy =
      'Check the host: the address is that of the receiver, without /api/tts, and not of a landing page or a proxy';
    return { ...failed('callback_undeliverable', summary, remedy), details };
  }
  if (status <= 299 || (status === 404 && details.includes('story_id')))
    return { status: 'ok', summary: 'It answers, and accepts our signature.' };
  const other = failed('callback_undeliverable', `It answers ${status}.`, 'Look at the log of the receiver');
  return { ...(FINDINGS[status] ?? other), details };
};

/** What is wrong with a request that names nothing is said only after the signature was accepted. */
const judgeGenerate = (answer: ReceiverAnswer): Finding => {
  if (answer.status === 422) return { status: 'ok', summary: 'It accepts our signature for generate.' };
  if (answer.status !== 401) return judgeAnswer(answer);
  const remedy =
    'Give the receiver and the servers that call it the same GENERATE_SECRETS; a receiver without it answers 401';
  return failed('credentials_invalid', 'It does not accept our signature for generate.', remedy);
};

interface ReceiverTrial {
  readonly name: string;
  readonly route: string;
  readonly body: unknown;
  readonly judge: (answer: ReceiverAnswer) => Finding;
}

const receiverTrial =
  ({ name, route, body, judge }: ReceiverTrial) =>
  ({ network, baseUrl, post, timeoutMs }: ReceiverCheckOptions): Check => ({
    name,
    group: 'callbacks',
    run: async (signal) => {
      if (baseUrl === undefined)
        return { status: 'skipped', summary: 'Its address is not known: --receiver URL gives it.' };
      if (post === undefined) {
        const summary = 'GENERATE_SECRETS is not set here. A receiver without it answers 401 to generate.';
        return { status: 'skipped', summary };
      }
      let answer: ReceiverAnswer | undefined;
      const health = async (inner: AbortSignal): Promise<string> => {
        answer = await post(`${baseUrl.replace(/\/+$/, '')}/api/tts/${route}`, body, inner);
        return `answered ${answer.status}`;
      };
      const diagnosis = await diagnose(baseUrl, { network, health }, { timeoutMs, signal });
      return answer === undefined ? failedBy(diagnosis) : judge(answer);
    },
  });

/** The receiver of callbacks: whether it is reached, and accepts a signed message. Nothing changes anywhere. */
export const receiverCheck = receiverTrial({
  name: 'receiver',
  route: 'error-callback',
  body: PROBE,
  judge: judgeAnswer,
});

/** The same receiver, for servers that request narrations. A worker needs no secret for it. */
export const generateCheck = receiverTrial({
  name: 'generate',
  route: 'generate',
  body: {},
  judge: judgeGenerate,
});

/** The background streams of the worker that runs here, by name; undefined when none does. */
export type Streams = Readonly<
  Record<string, { readonly open: boolean; readonly reason?: string | undefined }>
>;

/** Whether jobs and heartbeats flow. A receiver that is away is its own check: narration goes on without heartbeats. */
export const streamsCheck = (read: (signal: AbortSignal) => Promise<Streams | undefined>): Check => ({
  name: 'streams',
  group: 'jobs',
  run: async (signal) => {
    const streams = await read(signal);
    if (streams === undefined) return { status: 'skipped', summary: 'No worker runs here.' };
    const closed = Object.entries(streams).filter(([, { open }]) => !open);
    if (closed.length === 0)
      return { status: 'ok', summary: `Open: ${Object.keys(streams).join(', ') || 'none'}.` };
    return {
      status: closed.some(([name]) => name === 'jobs') ? 'failed' : 'warning',
      code: 'network_unreachable',
      summary: closed.map(([name, { reason = '' }]) => `Not open: ${name}. ${reason}`.trimEnd()).join(' '),
    };
  },
});
