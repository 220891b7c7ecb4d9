import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '@taleback/resilience';
import {
  callbackSubstitute,
  createHttpPost,
  createSendOnce,
  formatDeadLetter,
  Outbox,
  OutboxStore,
  writeWhole,
} from '../src/index.ts';

export interface ChildFolders {
  readonly folder: string;
  /** For dead letters. */
  readonly audio: string;
}

/** An outbox with short waits over real HTTP: that of a child process, or of the process that follows it. */
export const createChildOutbox = ({ folder, audio }: ChildFolders): Outbox =>
  new Outbox({
    store: new OutboxStore(folder, () => {}),
    send: createSendOnce({
      post: createHttpPost({ allowPrivate: true, timeoutMs: 5_000 }).post,
      secrets: [Buffer.alloc(24, 1)],
      now: Date.now,
    }),
    substituteFor: callbackSubstitute,
    keepDeadLetter: async (letter) => {
      const { story_id: story } = JSON.parse(letter.message.body) as { story_id: string };
      await mkdir(audio, { recursive: true });
      await writeWhole(join(audio, `${story}-${letter.createdMs}.json`), formatDeadLetter(letter));
    },
    policy: {
      backoff: { kind: 'exponential', initialMs: 5, maxMs: 50, jitter: 'equal' },
      deadlineMs: 3_600_000,
      unauthorizedMs: 60_000,
    },
    clock: systemClock,
    random: Math.random,
    log: () => {},
  });
