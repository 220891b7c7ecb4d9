import { isTalebackError, type TalebackError } from '@taleback/core';
import { tryWithDeadline } from '@taleback/resilience';
import { diagnose } from '@taleback/speech/src/diagnosis/diagnose.ts';
import type { NetworkProbe } from '@taleback/speech/src/diagnosis/network.ts';
import type { Check, Finding } from './check.ts';

export interface StorageCheckOptions {
  readonly network: NetworkProbe;
  /** What people call it, such as `the bucket tales at https://s3.example`. */
  readonly place: string;
  /** Where it is reached; undefined for a folder. */
  readonly url: string | undefined;
  /** Proves that it can be written and read, asking once. @throws TalebackError */
  readonly check: (signal: AbortSignal) => Promise<void>;
  /** Time for it all, ms: less than the check has, so that its words come through. */
  readonly timeoutMs: number;
}

const named = (place: string, words: string): string =>
  `${place.charAt(0).toUpperCase()}${place.slice(1)}${words}`;

const isWell = (place: string): Finding => ({
  status: 'ok',
  summary: named(place, ' can be written and read.'),
});

const examineFolder = async (
  { place, check, timeoutMs }: StorageCheckOptions,
  signal: AbortSignal,
): Promise<Finding> => {
  const outcome = await tryWithDeadline((inner) => check(inner), timeoutMs, { signal });
  if (outcome.kind === 'completed') return isWell(place);
  return {
    status: 'failed',
    code: 'timed_out',
    summary: named(place, ` did not answer within ${timeoutMs / 1000} s.`),
    suggestions: ['Look at the disk, or at the server of the network folder'],
  };
};

const examineBucket = async (
  { network, place, check, timeoutMs }: StorageCheckOptions,
  url: string,
  signal: AbortSignal,
): Promise<Finding> => {
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
  const { ok, code, trouble, details, suggestions } = diagnosis;
  if (ok) return isWell(place);
  // What it says itself is closer than that it says something.
  const isOwnWord = trouble === 'service' && refusal !== undefined;
  const words = isOwnWord ? `${refusal?.message ?? ''}.` : diagnosis.summary;
  return { status: 'failed', code, summary: named(place, `: ${words}`), details, suggestions };
};

/** The audio store: whether it is reached, takes our key, and can be written and read. */
export const storageCheck = (options: StorageCheckOptions): Check => ({
  name: 'audio store',
  group: 'storage',
  run: (signal) =>
    options.url === undefined ? examineFolder(options, signal) : examineBucket(options, options.url, signal),
});
