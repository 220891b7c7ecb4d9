import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { initializeTestEnvironment, type RulesTestEnvironment } from '@firebase/rules-unit-testing';
import type { AudioField } from '@taleback/core';
import { doc, type Firestore, setDoc, setLogLevel, Timestamp } from 'firebase/firestore';

const RULES = new URL('../../../firestore.rules', import.meta.url);

/** A project of its own in the emulator, guarded by our rules. */
export const openGuardedProject = async (): Promise<RulesTestEnvironment> => {
  const address = process.env['FIRESTORE_EMULATOR_HOST'];
  if (address === undefined)
    throw new Error('FIRESTORE_EMULATOR_HOST must name a running Firestore emulator');
  const { hostname, port } = new URL(`http://${address}`);
  setLogLevel('silent'); // a refusal is what most of these tests want, and the client warns of each
  return initializeTestEnvironment({
    projectId: `demo-rules-${randomUUID().slice(0, 8)}`,
    firestore: { host: hostname, port: Number(port), rules: await readFile(RULES, 'utf8') },
  });
};

/** Firestore as a person sees it, or as someone who is not signed in. */
export const firestoreOf = (project: RulesTestEnvironment, uid?: string): Firestore => {
  const context = uid === undefined ? project.unauthenticatedContext() : project.authenticatedContext(uid);
  return context.firestore() as unknown as Firestore;
};

/** Writes documents as the server does, past the rules. */
export const seed = (
  project: RulesTestEnvironment,
  documents: Readonly<Record<string, Record<string, unknown>>>,
): Promise<void> =>
  project.withSecurityRulesDisabled(async (context) => {
    const firestore = context.firestore() as unknown as Firestore;
    for (const [path, fields] of Object.entries(documents)) await setDoc(doc(firestore, path), fields);
  });

/** What became of an operation. A fault other than a refusal is thrown, so that no typing error passes for one. */
export const verdict = async (operation: Promise<unknown>): Promise<'allowed' | 'denied'> => {
  try {
    await operation;
    return 'allowed';
  } catch (fault) {
    if ((fault as { code?: unknown }).code === 'permission-denied') return 'denied';
    throw fault;
  }
};

const WRITTEN_AT = Timestamp.fromMillis(1_700_000_000_000);

/** A story as it stands after it was written. */
export const plainStory = (userId: string): Record<string, unknown> => ({
  userId,
  title: 'A tale',
  text: 'Once upon a time.',
  language: 'en',
  voiceId: 'voice-1',
  storyType: 'user',
  createdAt: WRITTEN_AT,
  updatedAt: WRITTEN_AT,
});

/** Every audio field that the server writes, with a value of its kind. */
export const AUDIO_FIELDS: Readonly<Record<AudioField, unknown>> = {
  audioStatus: 'ready',
  audioJobId: 'job-1',
  audioRunpodJobId: 'rp-1',
  audioAttempt: 1,
  audioProgress: 0.5,
  audioLeaseExpiresAt: WRITTEN_AT,
  audioUsageId: 'u1',
  audioUrl: 'https://cdn.test/a.mp3',
  audioStoragePath: 'a.mp3',
  audioDurationMs: 900,
  audioMetadata: { engine: 'x' },
  audioError: 'boom',
  audioErrorDetails: 'details',
  audioErrorCode: 'unknown',
  audioErrorRetryable: true,
  audioErrorMetadata: { a: 1 },
  audioRetryAt: WRITTEN_AT,
  audioAutoRetries: 1,
  audioAutoRetry: false,
  audioContentHash: 'c'.repeat(64),
  audioAskedTextHash: 't'.repeat(64),
  audioTextHash: 't'.repeat(64),
  audioTake: 1,
  audioEventSequence: 3,
  audioJobExtras: { profile_path: 'private/users/u1/voices/ann.wav' },
};
