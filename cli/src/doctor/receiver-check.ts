import { diagnose, type NetworkProbe } from '@taleback/speech/diagnosis';
import type { Check, Finding } from './examine.ts';

export interface ReceiverAnswer {
  readonly status: number;
  /** The beginning of its body. */
  readonly excerpt: string;
}

export interface ReceiverCheckOptions {
  readonly network: NetworkProbe;
  /** Base address, without /api/tts; undefined when it is not known. */
  readonly baseUrl: string | undefined;
  /** Posts a signed JSON body. Rejects when no answer came. */
  readonly post: (url: string, body: unknown, signal: AbortSignal) => Promise<ReceiverAnswer>;
  readonly timeoutMs: number;
}

/** A story that does not exist, so that nothing changes. The same as that of `npm run check-callbacks`. */
const PROBE = { story_id: 'taleback-check-callbacks-probe', error: 'A probe of taleback doctor' };

const failed = (code: Finding['code'], summary: string, suggestion: string): Finding => ({
  status: 'failed',
  code,
  summary,
  suggestions: [suggestion],
});

const foreign = (words: string): Finding =>
  failed(
    'callback_undeliverable',
    `What answers there is not a Taleback receiver: ${words}.`,
    'Check the host: the address is that of the receiver, without /api/tts, and not of a landing page or a proxy',
  );

/** How a Taleback receiver begins what it answers. */
const OWN_ANSWER = /^\s*\{\s*"success"\s*:\s*(true|false)/;
/** A page for people, or that of a proxy. */
const PAGE = /^\s*</;

/** Undefined when a Taleback receiver may have answered so. */
const judgeForeign = ({ status, excerpt }: ReceiverAnswer): Finding | undefined => {
  const isPage = PAGE.test(excerpt);
  if (status >= 200 && status <= 299) {
    if (OWN_ANSWER.exec(excerpt)?.[1] === 'true') return undefined;
    const what = isPage ? 'a page for people' : excerpt.trim() === '' ? 'nothing' : 'other words';
    return foreign(`it answers ${status} with ${what}`);
  }
  if (status >= 300 && status <= 399) return foreign(`it answers ${status}, which leads elsewhere`);
  const isProxy = isPage && (status === 401 || status === 429 || status >= 500);
  return isProxy ? foreign(`it answers ${status} with a page`) : undefined;
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
  const other = judgeForeign(answer);
  if (other !== undefined) return { ...other, details };
  if (status <= 299 || (status === 404 && details.includes('story_id')))
    return { status: 'ok', summary: 'It answers, and accepts our signature.' };
  const unknown = failed(
    'callback_undeliverable',
    `It answers ${status}.`,
    'Look at the log of the receiver',
  );
  return { ...(FINDINGS[status] ?? unknown), details };
};

/** The receiver of callbacks: whether it is reached, and accepts a signed message. Nothing changes anywhere. */
export const receiverCheck = ({ network, baseUrl, post, timeoutMs }: ReceiverCheckOptions): Check => ({
  name: 'receiver',
  group: 'callbacks',
  run: async (signal) => {
    if (baseUrl === undefined)
      return { status: 'skipped', summary: 'Its address is not known: --receiver URL gives it.' };
    let answer: ReceiverAnswer | undefined;
    const health = async (inner: AbortSignal): Promise<string> => {
      answer = await post(`${baseUrl.replace(/\/+$/, '')}/api/tts/error-callback`, PROBE, inner);
      return `answered ${answer.status}`;
    };
    const diagnosis = await diagnose(baseUrl, { network, health }, { timeoutMs, signal });
    if (answer !== undefined) return judgeAnswer(answer);
    const { code, summary, details, suggestions } = diagnosis;
    return { status: 'failed', code, summary, details, suggestions };
  },
});
