import { initializeApp } from 'firebase/app';
import {
  type Auth,
  browserLocalPersistence,
  connectAuthEmulator,
  indexedDBLocalPersistence,
  initializeAuth,
} from 'firebase/auth';
import { connectFirestoreEmulator, type Firestore, getFirestore } from 'firebase/firestore';
import { connectFunctionsEmulator, type Functions, getFunctions } from 'firebase/functions';
import type { PageConfig } from '../config/index.ts';

/** The services of one Firebase project that the page speaks to. */
export interface FirebaseProject {
  readonly auth: Auth;
  readonly firestore: Firestore;
  readonly functions: Functions;
}

/**
 * Opens the project that a configuration names. Sign-in has no pop-ups, so their code stays out; Firestore keeps its
 * cache in memory and finds out by itself where a network does not let streams through.
 */
export const openProject = (config: PageConfig): FirebaseProject => {
  const app = initializeApp(config.firebase);
  const auth = initializeAuth(app, { persistence: [indexedDBLocalPersistence, browserLocalPersistence] });
  const firestore = getFirestore(app);
  const functions = getFunctions(app, config.region);
  const { emulators } = config;
  if (emulators !== undefined) {
    connectAuthEmulator(auth, emulators.auth, { disableWarnings: true });
    connectFirestoreEmulator(firestore, emulators.firestore.host, emulators.firestore.port);
    connectFunctionsEmulator(functions, emulators.functions.host, emulators.functions.port);
  }
  return { auth, firestore, functions };
};
