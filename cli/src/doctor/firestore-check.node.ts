import { errorWords } from '@taleback/core';
import type { Environment } from '../options.node.ts';
import type { Check } from './examine.ts';
import { firestorePlace } from './service-checks.ts';

/** `OPTIMISTIC` or `PESSIMISTIC`: the mode of the database in the project that the environment names. */
export const readConcurrencyMode = async (signal: AbortSignal): Promise<string> => {
  const { v1 } = (await import('@google-cloud/firestore')).default;
  // Only its credentials: without any, a call of this client ends the process.
  const { auth } = new v1.FirestoreAdminClient();
  const project = await auth.getProjectId();
  const answer = await fetch(`https://firestore.googleapis.com/v1/projects/${project}/databases/(default)`, {
    headers: { authorization: `Bearer ${await auth.getAccessToken()}` },
    signal,
  });
  if (!answer.ok) throw new Error(`Firestore answered ${answer.status}`);
  return String(((await answer.json()) as { concurrencyMode?: unknown }).concurrencyMode);
};

/** Whether transactions of the database wait for each other's locks, as they do by default: a slow one delays others then. */
export const concurrencyCheck = (environment: Environment, readMode: () => Promise<string>): Check => ({
  name: 'Firestore concurrency',
  group: 'jobs',
  run: async () => {
    const place = firestorePlace(environment);
    if ('skipped' in place) return { status: 'skipped', summary: place.skipped };
    if (environment['FIRESTORE_EMULATOR_HOST'])
      return { status: 'skipped', summary: 'The emulator has locks in any case.' };
    let mode: string;
    try {
      mode = await readMode();
    } catch (error) {
      // The worker itself does not need it, and its account need not be allowed to look at the database.
      return { status: 'skipped', summary: `The database could not be looked at: ${errorWords(error)}` };
    }
    if (mode === 'OPTIMISTIC') return { status: 'ok', summary: 'The database is optimistic.' };
    return {
      status: 'warning',
      summary: `The database is ${mode.toLowerCase()}: its transactions wait for each other's locks.`,
      suggestions: ['Set its concurrencyMode to OPTIMISTIC: docs/operating.md has the command'],
    };
  },
});
