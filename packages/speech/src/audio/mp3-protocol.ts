import type { ErrorReport } from '@taleback/core';

/**
 * Between the main thread and the MP3 thread. A stream has one message under way at a time: the next one is sent
 * when the answer is there, which is also what holds a fast engine back. Samples and bytes are moved, not copied.
 */
export type ToMp3Thread =
  | {
      readonly type: 'open';
      readonly streamId: number;
      readonly sampleRateHz: number;
      readonly bitrateKbps: Mp3BitrateKbps;
    }
  | { readonly type: 'encode'; readonly streamId: number; readonly samples: Int16Array<ArrayBuffer> }
  | { readonly type: 'finish'; readonly streamId: number }
  /** Not answered. */
  | { readonly type: 'abandon'; readonly streamId: number };

export type FromMp3Thread =
  | { readonly type: 'opened'; readonly streamId: number }
  | { readonly type: 'encoded'; readonly streamId: number; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly type: 'failed'; readonly streamId: number; readonly error: ErrorReport };

/** Constant rates that suit one voice. Variable rates are left out: players then misjudge the duration. */
export type Mp3BitrateKbps = 32 | 40 | 48 | 64 | 80 | 96;
