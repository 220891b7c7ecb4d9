import { createHash } from 'node:crypto';
import { isRecord } from '@taleback/core';
import { z } from 'zod';
import { describeFailure, type FailedDelivery, isHttpUrl, type OutboxMessage } from './message.ts';

/** One message with the time it was written. */
export interface OutboxEntry {
  readonly message: OutboxMessage;
  /** Unix milliseconds by the clock of the writer. */
  readonly createdMs: number;
}

/** A message that was given up. */
export interface DeadLetter extends OutboxEntry {
  readonly why: 'refused' | 'expired';
  readonly delivery: FailedDelivery;
  /** Attempts in the last life of the process. */
  readonly attempts: number;
  /** When it was given up, unix ms. */
  readonly atMs: number;
}

type Payload = Readonly<Record<string, unknown>>;

export type ParsedEntry =
  | { readonly ok: true; readonly entry: OutboxEntry; readonly payload: Payload }
  | { readonly ok: false; readonly reason: string };

export type ParsedDeadLetter =
  | { readonly ok: true; readonly entry: OutboxEntry; readonly payload: Payload; readonly cause: string }
  | { readonly ok: false; readonly reason: string };

/** Folder of the audio store for messages that were given up, as in the source systems. */
export const FAILED_CALLBACKS = 'failed_callbacks';

const VERSION = 1;

/** A header's letters without a dot: it is sent as `webhook-id`. */
const messageId = z.string().regex(/^[\x21-\x2d\x2f-\x7e]{1,200}$/, 'must be 1 to 200 letters without a dot');
const url = z.string().refine(isHttpUrl, 'must be an http or https address');
const payload = z.custom<Payload>(isRecord, 'must be an object');

const entryFields = z.object({
  version: z.literal(VERSION),
  url,
  messageId,
  createdMs: z.number().min(0),
  lane: z.string().optional(),
  payload,
  substitute: z.object({ url, messageId, payload }).optional(),
});

const letterFields = entryFields.extend({ failure: z.object({ why: z.string(), cause: z.string() }) });

/** Fields of a message, as `set-aside/` and `failed_callbacks/` keep them. */
const jsonOf = ({ message, createdMs }: OutboxEntry): z.input<typeof entryFields> => {
  const { body, substitute, lane } = message;
  return {
    version: VERSION,
    url: message.url,
    messageId: message.messageId,
    createdMs,
    ...(lane === undefined ? {} : { lane }),
    payload: JSON.parse(body) as Record<string, unknown>,
    ...(substitute === undefined
      ? {}
      : {
          substitute: {
            url: substitute.url,
            messageId: substitute.messageId,
            payload: JSON.parse(substitute.body) as Record<string, unknown>,
          },
        }),
  };
};

const entryOf = (fields: z.output<typeof entryFields>): OutboxEntry => ({
  message: {
    url: fields.url,
    messageId: fields.messageId,
    body: JSON.stringify(fields.payload),
    lane: fields.lane,
    substitute: fields.substitute && {
      url: fields.substitute.url,
      messageId: fields.substitute.messageId,
      body: JSON.stringify(fields.substitute.payload),
    },
  },
  createdMs: fields.createdMs,
});

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A file of `set-aside/`, and of outboxes before version 0.2: a line of JSON, then a line with its SHA-256. */
export const formatEntry = (entry: OutboxEntry): Uint8Array => {
  const line = JSON.stringify(jsonOf(entry));
  return Buffer.from(`${line}\n${digest(line)}\n`);
};

const parse = <T>(text: string, schema: z.ZodType<T>): T | string => {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return 'it is not JSON';
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  return parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
};

/**
 * Reads a file that was set aside. What is not whole gives the reason.
 *
 * @example
 * const message = { url: 'https://a.example', messageId: 'm1', body: '{}' };
 * const parsed = parseEntry(formatEntry({ message, createdMs: 0 }));
 * console.log(parsed.ok && parsed.entry.message.url); // https://a.example
 */
export const parseEntry = (bytes: Uint8Array): ParsedEntry => {
  const [line = '', sum, ...rest] = Buffer.from(bytes).toString('utf8').split('\n');
  if (sum === undefined || rest.join('') !== '') return { ok: false, reason: 'it is torn' };
  if (sum !== digest(line)) return { ok: false, reason: 'it is not what was written: its checksum differs' };
  const fields = parse(line, entryFields);
  return typeof fields === 'string'
    ? { ok: false, reason: fields }
    : { ok: true, entry: entryOf(fields), payload: fields.payload };
};

/**
 * A message that was given up, for people and for `taleback replay`.
 *
 * @example
 * const message = { url: 'https://a.example', messageId: 'm1', body: '{}' };
 * const delivery = { kind: 'refused', status: 422, excerpt: 'no' } as const;
 * const letter = { message, createdMs: 0, why: 'refused', delivery, attempts: 1, atMs: 0 } as const;
 * const parsed = parseDeadLetter(Buffer.from(formatDeadLetter(letter)).toString('utf8'));
 * console.log(parsed.ok && parsed.cause); // answered 422: no
 */
export const formatDeadLetter = (letter: DeadLetter): Uint8Array => {
  const failure = {
    why: letter.why,
    status: letter.delivery.kind === 'refused' ? letter.delivery.status : null,
    cause: describeFailure(letter.delivery),
    attempts: letter.attempts,
    at: new Date(letter.atMs).toISOString(),
  };
  return Buffer.from(`${JSON.stringify({ ...jsonOf(letter), failure }, null, 2)}\n`);
};

/** Reads what `formatDeadLetter` wrote. */
export const parseDeadLetter = (text: string): ParsedDeadLetter => {
  const fields = parse(text, letterFields);
  return typeof fields === 'string'
    ? { ok: false, reason: fields }
    : { ok: true, entry: entryOf(fields), payload: fields.payload, cause: fields.failure.cause };
};
