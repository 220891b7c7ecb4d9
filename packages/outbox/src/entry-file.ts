import { createHash } from 'node:crypto';
import { isRecord, parseJson } from '@taleback/core';
import { z } from 'zod';
import {
  describeFailure,
  type FailedDelivery,
  isHttpUrl,
  type OutboxMessage,
  type Substitute,
} from './message.ts';

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
interface Unreadable {
  readonly ok: false;
  readonly reason: string;
}
interface ReadEntry {
  readonly ok: true;
  readonly entry: OutboxEntry;
  readonly payload: Payload;
}

export type ParsedEntry = ReadEntry | Unreadable;
export type ParsedDeadLetter = (ReadEntry & { readonly cause: string }) | Unreadable;

/** Folder of the audio store for messages that were given up, as in the source systems. */
export const FAILED_CALLBACKS = 'failed_callbacks';

const VERSION = 1;

const messageFields = z.object({
  url: z.string().refine(isHttpUrl, 'must be an http or https address'),
  // A header's letters without a dot: it is sent as `webhook-id`.
  messageId: z.string().regex(/^[\x21-\x2d\x2f-\x7e]{1,200}$/, 'must be 1 to 200 letters without a dot'),
  payload: z.custom<Payload>(isRecord, 'must be an object'),
});
const entryFields = z.object({
  version: z.literal(VERSION),
  ...messageFields.shape,
  createdMs: z.number().min(0),
  lane: z.string().optional(),
  substitute: messageFields.optional(),
});
const letterFields = entryFields.extend({ failure: z.object({ why: z.string(), cause: z.string() }) });

const toFields = ({ url, messageId, body }: Substitute): z.output<typeof messageFields> => ({
  url,
  messageId,
  payload: JSON.parse(body) as Payload,
});
const toMessage = ({ url, messageId, payload }: z.output<typeof messageFields>): Substitute => ({
  url,
  messageId,
  body: JSON.stringify(payload),
});

/** Fields of a message, as `set-aside/` and `failed_callbacks/` keep them. */
const fieldsOf = ({ message, createdMs }: OutboxEntry) => {
  const { lane, substitute } = message;
  const fields = { version: VERSION, ...toFields(message), createdMs, lane };
  return { ...fields, substitute: substitute && toFields(substitute) };
};

const entryOf = ({ createdMs, lane, substitute, ...message }: z.output<typeof entryFields>): OutboxEntry => ({
  message: { ...toMessage(message), lane, substitute: substitute && toMessage(substitute) },
  createdMs,
});

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A file of `set-aside/`, and of outboxes before version 0.2: a line of JSON, then a line with its SHA-256. */
export const formatEntry = (entry: OutboxEntry): Uint8Array => {
  const line = JSON.stringify(fieldsOf(entry));
  return Buffer.from(`${line}\n${digest(line)}\n`);
};

/** The fields, or why they cannot be read. */
const parse = <T>(text: string, schema: z.ZodType<T>): T | string => {
  const json = parseJson(text);
  if (json === undefined) return 'it is not JSON';
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
  return Buffer.from(`${JSON.stringify({ ...fieldsOf(letter), failure }, null, 2)}\n`);
};

/** Reads what `formatDeadLetter` wrote. */
export const parseDeadLetter = (text: string): ParsedDeadLetter => {
  const fields = parse(text, letterFields);
  return typeof fields === 'string'
    ? { ok: false, reason: fields }
    : { ok: true, entry: entryOf(fields), payload: fields.payload, cause: fields.failure.cause };
};
