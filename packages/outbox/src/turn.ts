import type { Random } from '@taleback/resilience';
import type { FailedDelivery, SendOnce } from './callbacks-index.ts';
import type { Log } from '@taleback/core';
import type { RecordStore } from '@taleback/worker/src/storage/index.ts';
import type { Next } from './decide-next.ts';
import type { EntryName } from './entry-name.ts';
import type { OutboxFiles } from './outbox-files.ts';
import type { OutboxPolicy } from './outbox-policy.ts';

export interface TurnParts {
  readonly files: OutboxFiles;
  /** Where messages that are given up are kept. */
  readonly records: RecordStore;
  readonly sendOnce: SendOnce;
  readonly policy: OutboxPolicy;
  readonly log: Log;
  /** Unix milliseconds that never run backwards. */
  readonly now: () => number;
  readonly random: Random;
}

/** Whom the log speaks of. */
export interface About {
  readonly url: string;
  readonly messageId: string;
}

/** How the turn of an entry ended. */
export type TurnEnd =
  | {
      readonly kind: 'delivered';
      /** The file could not be removed. */
      readonly isLeft: boolean;
      readonly about: About;
    }
  | (Extract<Next, { kind: 'wait' }> & { readonly about: About })
  | {
      readonly kind: 'given-up';
      readonly why: 'refused' | 'expired';
      readonly delivery: FailedDelivery;
      /** What was written in its place, if anything. */
      readonly substitute: EntryName | undefined;
      /** The store would not take it. */
      readonly isSetAside: boolean;
      readonly about: About;
    }
  /** It could not be read and is out of the way. */
  | { readonly kind: 'poison'; readonly reason: string }
  /** Its file is not there any more. */
  | { readonly kind: 'gone' }
  /** The process stops; nothing is known of the try. */
  | { readonly kind: 'interrupted' }
  /** The disk would not do what has to be done next; all of it is done again later. */
  | { readonly kind: 'stuck'; readonly cause: string };

/** What a turn says of the receiver. */
export type Finding = 'well' | 'unwell' | 'nothing';
