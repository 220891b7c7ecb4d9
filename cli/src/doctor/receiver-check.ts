import { diagnose } from '@taleback/speech/src/diagnosis/diagnose.ts';
import type { NetworkProbe } from '@taleback/speech/src/diagnosis/network.ts';
import type { Check, Finding } from './check.ts';

export interface ReceiverAnswer {
  readonly status: number;
  /** The beginning of its body. */
  readonly excerpt: string;
}

export interface ReceiverCheckOptions {
  readonly network: NetworkProbe;
  /** Base address, without /api/tts; undefined when nobody said where the receiver is. */
  readonly baseUrl: string | undefined;
  /** Posts a signed JSON body. Rejects when no answer came. */
  readonly post: (url: string, body: unknown, signal: AbortSignal) => Promise<ReceiverAnswer>;
  readonly timeoutMs: number;
}

/** A story that nobody has, so that nothing changes. The same as that of `npm run check-callbacks`. */
const PROBE = { story_id: 'taleback-check-callbacks-probe', error: 'A probe of taleback doctor' };

const failed = (code: Finding['code'], summary: string, excerpt: string, suggestion: string): Finding => ({
  status: 'failed',
  code,
  summary,
  details: excerpt,
  suggestions: [suggestion],
});

/** How a Taleback receiver begins what it answers. */
const OWN_ANSWER = /^\s*\{\s*"success"\s*:\s*(true|false)/;
/** A page for people, or that of a proxy. */
const PAGE = /^\s*</;

const foreign = (words: string, excerpt: string): Finding =>
  failed(
    'callback_undeliverable',
    `What answers there is not a Taleback receiver: ${words}.`,
    excerpt,
    'Check the host: the address is that of the receiver, without /api/tts, and not of a landing page or a proxy',
  );

/** Undefined when a Taleback receiver may have answered so. */
const judgeForeign = ({ status, excerpt }: ReceiverAnswer): Finding | undefined => {
  const isPage = PAGE.test(excerpt);
  if (status >= 200 && status <= 299) {
    if (OWN_ANSWER.exec(excerpt)?.[1] === 'true') return undefined;
    const what = isPage ? 'a page for people' : excerpt.trim() === '' ? 'nothing' : 'other words';
    return foreign(`it answers ${status} with ${what}`, excerpt);
  }
  if (status >= 300 && status <= 399) return foreign(`it answers ${status}, which leads elsewhere`, excerpt);
  const isProxy = isPage && (status === 401 || status === 429 || status >= 500);
  return isProxy ? foreign(`it answers ${status} with a page`, excerpt) : undefined;
};

/** An unknown story is refused only after the signature was accepted. */
const judgeAnswer = (answer: ReceiverAnswer): Finding => {
  const { status, excerpt } = answer;
  const other = judgeForeign(answer);
  if (other !== undefined) return other;
  const isOurs = excerpt.includes('story_id');
  if (status <= 299 || (status === 404 && isOurs))
    return { status: 'ok', summary: 'It answers, and accepts our signature.' };
  switch (status) {
    case 401:
      return failed(
        'credentials_invalid',
        'It does not accept our signature.',
        excerpt,
        'Give both sides the same CALLBACK_SECRETS, CALLBACK_SIGNING and HMAC_HEADER_PREFIX, and the same time',
      );
    case 403:
      return failed(
        'permission_denied',
        'Something before it refuses us.',
        excerpt,
        'Look at what stands before the receiver: it has to let unauthenticated calls pass',
      );
    case 404:
    case 405:
      return failed(
        'callback_undeliverable',
        'There is no receiver at this address.',
        excerpt,
        'Check the address: it is the base, without /api/tts',
      );
    case 429:
      return failed(
        'provider_rate_limited',
        'It is asked for too much.',
        excerpt,
        'Wait a minute: its rate limit is reached',
      );
    case 503:
      return {
        status: 'warning',
        code: 'callback_undeliverable',
        summary: 'It accepts our signature, and its store is away.',
        details: excerpt,
        suggestions: ['Look at Firestore: callbacks wait in the outbox meanwhile'],
      };
    default:
      return failed(
        'callback_undeliverable',
        `It answers ${status}.`,
        excerpt,
        'Look at the log of the receiver',
      );
  }
};

/** The receiver of callbacks: whether it is reached, and accepts a signed message. Nothing changes anywhere. */
export const receiverCheck = ({ network, baseUrl, post, timeoutMs }: ReceiverCheckOptions): Check => ({
  name: 'receiver',
  group: 'callbacks',
  run: async (signal) => {
    if (baseUrl === undefined) {
      const summary = 'Nobody said where it is: --receiver URL does.';
      return { status: 'skipped', summary };
    }
    let answer: ReceiverAnswer | undefined;
    const diagnosis = await diagnose(
      baseUrl,
      {
        network,
        health: async (inner) => {
          answer = await post(`${baseUrl.replace(/\/+$/, '')}/api/tts/error-callback`, PROBE, inner);
          return `answered ${answer.status}`;
        },
      },
      { timeoutMs, signal },
    );
    if (answer !== undefined) return judgeAnswer(answer);
    const { code, summary, details, suggestions } = diagnosis;
    return { status: 'failed', code, summary, details, suggestions };
  },
});
