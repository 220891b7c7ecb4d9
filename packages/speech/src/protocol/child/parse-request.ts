import { isProtocolVersion, type ProtocolVersion } from '../index.ts';
import type { Address } from './answers.ts';

type Fields = Readonly<Record<string, unknown>>;

export interface SynthesizeFields {
  readonly text: string;
  /** Absent in 1.0 only. */
  readonly voiceId: string | undefined;
  readonly speed: number | undefined;
  readonly language: string | undefined;
  readonly outputPath: string | undefined;
  readonly options: Fields | undefined;
}

/** What a manager asks for. The version of the address is the one to answer in. */
export type ChildRequest =
  | { readonly kind: 'hello'; readonly address: Address; readonly versions: readonly unknown[] }
  | { readonly kind: 'synthesize'; readonly address: Address; readonly fields: SynthesizeFields }
  | { readonly kind: 'ping'; readonly address: Address }
  | { readonly kind: 'cancel'; readonly correlationId: string }
  | { readonly kind: 'shutdown' }
  /** It cannot be read, but somebody waits for an answer. */
  | { readonly kind: 'invalid'; readonly address: Address; readonly reason: string }
  /** It cannot be read, and nobody could tell whose answer it was. */
  | { readonly kind: 'noise'; readonly reason: string };

/** A longer id, echoed, could make an answer longer than a line may be. */
const LONGEST_ID = 256;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isAbsent = (value: unknown): value is null | undefined => value === undefined || value === null;

/** Understands a line of the manager, of any version. */
export const parseRequest = (message: Fields): ChildRequest =>
  isAbsent(message['version']) ? parseBare(message) : parseEnveloped(message);

/** Every request of 1.0 has its answer, but only a request: another would shift those that follow. */
const parseBare = (message: Fields): ChildRequest => {
  const address: Address = { version: '1.0.0', correlationId: '' };
  if (isAbsent(message['type'])) return { kind: 'noise', reason: 'neither version nor type' };
  if (message['type'] !== 'synthesize')
    return { kind: 'invalid', address, reason: 'type must be synthesize' };
  return parseSynthesize(address, message);
};

const parseEnveloped = ({ version: given, type, payload, metadata }: Fields): ChildRequest => {
  if (type === 'response' || type === 'event') return { kind: 'noise', reason: 'only a child says that' };
  const isKnown = isProtocolVersion(given) && given !== '1.0.0';
  const version: ProtocolVersion = isKnown ? given : '2.1.0';
  const id = isFields(metadata) ? metadata['correlationId'] : undefined;
  const correlationId = typeof id === 'string' && id !== '' && id.length <= LONGEST_ID ? id : undefined;
  const invalid = (reason: string): ChildRequest =>
    correlationId === undefined
      ? { kind: 'noise', reason }
      : { kind: 'invalid', address: { version, correlationId }, reason };
  if (type !== 'request') return invalid('type must be request');
  if (!isFields(payload)) return invalid('payload must be an object');
  // How to go on is asked in a version that may be newer than this.
  if (!isKnown && payload['type'] !== 'hello') return invalid('version is not known');
  if (payload['type'] === 'shutdown') return { kind: 'shutdown' };
  if (payload['type'] === 'cancel') {
    const target = payload['correlation_id'];
    return typeof target === 'string'
      ? { kind: 'cancel', correlationId: target }
      : invalid('correlation_id must be a text');
  }
  if (correlationId === undefined) return invalid('metadata.correlationId must be a text');
  return parseAsked({ version, correlationId }, payload);
};

/** The requests that have answers. */
const parseAsked = (address: Address, payload: Fields): ChildRequest => {
  switch (payload['type']) {
    case 'hello': {
      const { versions } = payload;
      return { kind: 'hello', address, versions: Array.isArray(versions) ? versions : [] };
    }
    case 'synthesize':
      return parseSynthesize(address, payload);
    case 'ping':
      return { kind: 'ping', address };
    default:
      return { kind: 'invalid', address, reason: 'payload.type is not known' };
  }
};

const parseSynthesize = (address: Address, payload: Fields): ChildRequest => {
  const { text, voice, speed, language, output_path: outputPath, options } = payload;
  const isBare = address.version === '1.0.0';
  const isText = (value: unknown, isNeeded: boolean): boolean =>
    typeof value === 'string' || (!isNeeded && isAbsent(value));
  const fault =
    (!isText(text, true) && 'text must be a text') ||
    (!isText(voice, !isBare) && 'voice must be a text') ||
    (!isAbsent(speed) && !Number.isFinite(speed) && 'speed must be a number') ||
    (!isText(language, false) && 'language must be a text') ||
    (!isText(outputPath, isBare) && 'output_path must be a text') ||
    (!isAbsent(options) && !isFields(options) && 'options must be an object');
  if (fault !== false) return { kind: 'invalid', address, reason: fault };
  const fields: SynthesizeFields = {
    text: text as string,
    voiceId: (voice as string | null | undefined) ?? undefined,
    speed: (speed as number | null | undefined) ?? undefined,
    language: (language as string | null | undefined) ?? undefined,
    outputPath: (outputPath as string | null | undefined) ?? undefined,
    options: (options as Fields | null | undefined) ?? undefined,
  };
  return { kind: 'synthesize', address, fields };
};
