import { createHash } from 'node:crypto';
import { isJsonObject } from '@taleback/core';
import { z } from 'zod';
import { type CallbackMessage, isHttpUrl } from './callbacks-index.ts';

/** One message as it lies on the disk. */
export interface OutboxEntry {
  readonly message: CallbackMessage;
  /** Unix milliseconds by the clock of the writer. */
  readonly createdMs: number;
}

/** An entry of more than this is no callback; a receiver takes 0.25 MB. Bytes. */
export const MAX_ENTRY_BYTES = 8 * 2 ** 20;

const VERSION = 1;

/** A header's letters without a dot: it is sent as `webhook-id`. */
const messageId = z.string().regex(/^[\x21-\x2d\x2f-\x7e]{1,200}$/, 'must be 1 to 200 letters without a dot');
const url = z.string().refine(isHttpUrl, 'must be an http or https address');
const payload = z.custom<CallbackMessage['payload']>(
  (value) => isJsonObject(value) && typeof value['story_id'] === 'string',
  'must be an object with a story_id',
);

export const entryFields = {
  version: z.literal(VERSION),
  url,
  messageId,
  createdMs: z.number().min(0),
  payload,
  substitute: z
    .object({
      url,
      messageId,
      payload: z.custom<NonNullable<CallbackMessage['substitute']>['payload']>(
        (value) => isJsonObject(value) && typeof value['error'] === 'string',
        'must be an object with an error',
      ),
    })
    .optional(),
};
const entrySchema = z.object(entryFields);

export type ParsedEntry =
  | { readonly ok: true; readonly entry: OutboxEntry }
  | { readonly ok: false; readonly reason: string };

const digest = (line: string): string => createHash('sha256').update(line).digest('hex');

/** The fields of an entry, as `failed_callbacks/` keeps them too. */
export const entryJson = ({ message, createdMs }: OutboxEntry): z.input<typeof entrySchema> => ({
  version: VERSION,
  url: message.url,
  messageId: message.messageId,
  createdMs,
  payload: message.payload,
  ...(message.substitute === undefined ? {} : { substitute: message.substitute }),
});

export const toEntry = (fields: z.output<typeof entrySchema>): OutboxEntry => ({
  message: {
    url: fields.url,
    messageId: fields.messageId,
    payload: fields.payload,
    substitute: fields.substitute,
  },
  createdMs: fields.createdMs,
});

/**
 * An entry's bytes: a line of JSON, then a line with its SHA-256.
 * @throws RangeError when they are more than an entry may have; TypeError when the payload is no JSON
 */
export const formatEntry = (entry: OutboxEntry): Uint8Array => {
  const line = JSON.stringify(entryJson(entry));
  const bytes = Buffer.from(`${line}\n${digest(line)}\n`);
  if (bytes.byteLength > MAX_ENTRY_BYTES)
    throw new RangeError(`a message of ${bytes.byteLength} bytes is over ${MAX_ENTRY_BYTES}`);
  return bytes;
};

const refuse = (reason: string): ParsedEntry => ({ ok: false, reason });

/** Reads an entry's bytes. What is not whole gives the reason. */
export const parseEntry = (bytes: Uint8Array): ParsedEntry => {
  const [line = '', sum, ...rest] = Buffer.from(bytes).toString('utf8').split('\n');
  if (sum === undefined || rest.join('') !== '') return refuse('it is torn');
  if (sum !== digest(line)) return refuse('it is not what was written: its sum is another');
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    return refuse('it is not JSON');
  }
  const parsed = entrySchema.safeParse(json);
  if (parsed.success) return { ok: true, entry: toEntry(parsed.data) };
  return refuse(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '));
};
