import {
  type Auth,
  onAuthStateChanged,
  signInAnonymously,
  signInWithCustomToken,
  signOut,
} from 'firebase/auth';
import type { Feed, SignInAnswer } from './feed.ts';

const SWITCHED_OFF = new Set(['auth/operation-not-allowed', 'auth/admin-restricted-operation']);

const explain = (fault: unknown): SignInAnswer => {
  const { code, message } = fault as { code?: string; message?: string };
  if (code === 'auth/network-request-failed' || code === 'auth/timeout') return { kind: 'unreached' };
  if (code !== undefined && SWITCHED_OFF.has(code)) {
    return { kind: 'refused', words: 'Signing in as a guest is switched off for this project.' };
  }
  return { kind: 'refused', words: message ?? String(fault) };
};

const signingIn = async (attempt: Promise<unknown>): Promise<SignInAnswer> => {
  try {
    await attempt;
    return { kind: 'signed-in' };
  } catch (fault) {
    return explain(fault);
  }
};

/** The part of the feed that Firebase Auth answers. */
export const firebaseReader = (
  auth: Auth,
): Pick<Feed, 'watchReader' | 'signInAsGuest' | 'signInWithToken' | 'signOut'> => ({
  watchReader: (tell) =>
    onAuthStateChanged(auth, (user) =>
      tell(
        user === null
          ? undefined
          : { uid: user.uid, isGuest: user.isAnonymous, name: user.displayName ?? undefined },
      ),
    ),
  signInAsGuest: () => signingIn(signInAnonymously(auth)),
  signInWithToken: (token) => signingIn(signInWithCustomToken(auth, token)),
  signOut: () => signOut(auth),
});
