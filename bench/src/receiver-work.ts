import { createHmac, timingSafeEqual } from 'node:crypto';
import {
  decide,
  messageFromSuccess,
  parseSuccessCallback,
  readNarration,
  readStoryAudio,
} from '@taleback/core';
import { verifyStandard } from '@taleback/core/signatures';
import { createCallerLimits } from '@taleback/functions/src/http/call.ts';
import { createReceiver, type Receiver } from '@taleback/functions/src/http/router.ts';
import { z } from 'zod';

// What the contestants of the receiver's benchmark do with a callback, over a story in memory.

export const KEY = Buffer.alloc(32, 'a key of the benchmark');
const STORY = { userId: 'u1', audioStatus: 'processing', audioJobId: 'j1', audioAttempt: 1 };
/** In no contestant's way. */
const LIMITS = { requestsPerSecond: 1e6, requestBurst: 1e6, refusalsPerMinute: 1_000 };

export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Answers the status of one callback. */
export type Handle = (headers: Headers, body: Buffer) => number;

const callback = z.object({
  story_id: z.string().min(1),
  user_id: z.string().nullish(),
  voice_id: z.string().nullish(),
  voice_name: z.string().nullish(),
  audio_url: z.url().nullish(),
  storage_path: z.string().nullish(),
  language: z.string().nullish(),
  job_id: z.string().nullish(),
  duration_ms: z.number().nullish(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
});

/** The least that any receiver does: an HMAC, JSON and zod. */
export const plainWork: Handle = (headers, body) => {
  const [id, timestamp, signature] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) =>
    String(headers[name]),
  );
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > 300) return 401;
  const expected = createHmac('sha256', KEY).update(`${id}.${timestamp}.`).update(body).digest();
  const given = Buffer.from(signature?.slice('v1,'.length) ?? '', 'base64');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return 401;
  return callback.safeParse(JSON.parse(body.toString('utf8'))).success ? 200 : 422;
};

/** The functions of the product's core that the receiver calls, and nothing else. */
export const coreWork: Handle = (headers, body) => {
  const nowMs = Date.now();
  const lookup = { get: (name: string) => (headers[name] as string | undefined) ?? null };
  if (!verifyStandard(lookup, body, [KEY], nowMs).ok) return 401;
  const parsed = parseSuccessCallback(JSON.parse(body.toString('utf8')));
  if (!parsed.ok) return 422;
  const context = { source: 'callback', nowMs, leaseMs: 0 } as const;
  return decide(readStoryAudio(STORY), {}, messageFromSuccess(parsed.value), context).kind === 'applied'
    ? 200
    : 500;
};

export const answerOf = (status: number): string => JSON.stringify({ success: status === 200 });

/** The product's receiver, over a store that only decides. */
export const productReceiver = (): Receiver =>
  createReceiver({
    stories: {
      apply: async (_target, decideChange) => {
        const { kind, isWanted = true } = decideChange(readStoryAudio(STORY), {});
        return { kind: 'decided', decision: kind, isWanted, narration: readNarration(STORY) };
      },
      ping: async () => true,
    },
    signatures: 'required',
    secrets: { standard: [KEY], hmac: [] },
    hmacHeaderPrefix: 'taleback',
    processingLeaseMs: 120_000,
    callerLimits: createCallerLimits(LIMITS),
    now: Date.now,
    log: () => {},
  });

/** Reports the CPU time of this process whenever the benchmark asks for it, and ends with the benchmark. */
export const reportCpu = (): void => {
  process.on('message', () => process.send?.(process.cpuUsage()));
  process.on('disconnect', () => process.exit());
};
