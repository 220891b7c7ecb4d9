import { isRecord } from '@taleback/core/json';
import {
  type Address,
  BARE_VERSION,
  type ManagerMessage,
  MAX_ID_CHARACTERS,
  RAW_VERSION,
} from '../protocol.ts';

type Fields = Readonly<Record<string, unknown>>;

/** A message of the manager, or what is wrong with a line. */
export type ParsedRequest =
  | ManagerMessage
  /** It cannot be read, but has an address to answer to. */
  | { readonly kind: 'invalid'; readonly address: Address; readonly reason: string }
  /** It cannot be read and has no address. */
  | { readonly kind: 'noise'; readonly reason: string };

/** Parses a line of the manager, of any version. By hand: zod would double the time in which a child starts. */
export const parseRequest = (message: Fields): ParsedRequest =>
  (message['version'] ?? undefined) === undefined ? parseBare(message) : parseEnveloped(message);

/** Every request of 1.0 is answered, but only a request: another answer would shift those that follow. */
const parseBare = (message: Fields): ParsedRequest => {
  const address: Address = { version: BARE_VERSION, correlationId: '' };
  const type = message['type'] ?? undefined;
  if (type === undefined) return { kind: 'noise', reason: 'neither version nor type' };
  if (type !== 'synthesize') return { kind: 'invalid', address, reason: 'type must be synthesize' };
  return parseSynthesize(address, message);
};

/** The newest of ours that the sender of an envelope knows: a 2.2 would know 2.1, a 3.0 is another protocol. */
const envelopeVersion = (given: unknown): '2.0.0' | typeof RAW_VERSION | undefined => {
  const [, minor] = /^2\.(\d{1,4})(?:\.\d{1,4})?$/u.exec(typeof given === 'string' ? given : '') ?? [];
  if (minor === undefined) return undefined;
  return Number(minor) >= 1 ? RAW_VERSION : '2.0.0';
};

const parseEnveloped = ({ version: given, type, payload, metadata }: Fields): ParsedRequest => {
  if (type === 'response' || type === 'event') return { kind: 'noise', reason: 'only a child sends that' };
  const known = envelopeVersion(given);
  const id = isRecord(metadata) ? metadata['correlationId'] : undefined;
  const correlationId = typeof id === 'string' && id.length <= MAX_ID_CHARACTERS ? id : '';
  const address: Address = { version: known ?? RAW_VERSION, correlationId };
  const invalid = (reason: string): ParsedRequest =>
    correlationId === '' ? { kind: 'noise', reason } : { kind: 'invalid', address, reason };

  if (type !== 'request') return invalid('type must be request');
  if (!isRecord(payload)) return invalid('payload must be an object');
  const { type: kind, correlation_id: target, versions } = payload;
  // A newer manager negotiates in a version that may be unknown here.
  if (known === undefined && kind !== 'hello') return invalid('version is not known');
  if (kind === 'shutdown') return { kind };
  if (kind === 'cancel' && typeof target === 'string') return { kind, correlationId: target };
  if (kind === 'cancel') return invalid('correlation_id must be a text');
  if (correlationId === '') return invalid('metadata.correlationId must be a text');
  if (kind === 'ping') return { kind, address };
  if (kind === 'hello') {
    const offered = versions ?? [address.version];
    return Array.isArray(offered) ? { kind, address, versions: offered } : invalid('versions must be a list');
  }
  return kind === 'synthesize' ? parseSynthesize(address, payload) : invalid('payload.type is not known');
};

const parseSynthesize = (address: Address, payload: Fields): ParsedRequest => {
  const isBare = address.version === BARE_VERSION;
  let fault: string | undefined;
  /** The field if it has the type, undefined if it is absent or null. */
  const read = <T>(name: string, what: string, isType: (value: unknown) => value is T): T | undefined => {
    const value = payload[name] ?? undefined;
    if (value === undefined || isType(value)) return value;
    fault ??= `${name} must be ${what}`;
    return undefined;
  };
  const text = read('text', 'a text', isText);
  const fields = {
    voiceId: read('voice', 'a text', isText),
    speed: read('speed', 'a number', isNumber),
    language: read('language', 'a text', isText),
    outputPath: read('output_path', 'a text', isText),
    options: read('options', 'an object', isRecord),
  };
  if (!isBare && fields.voiceId === undefined) fault ??= 'voice must be a text';
  if (isBare && fields.outputPath === undefined) fault ??= 'output_path must be a text';
  if (text === undefined || fault !== undefined) {
    return { kind: 'invalid', address, reason: fault ?? 'text must be a text' };
  }
  return { kind: 'synthesize', address, fields: { text, ...fields } };
};

const isText = (value: unknown): value is string => typeof value === 'string';
const isNumber = (value: unknown): value is number => Number.isFinite(value);
