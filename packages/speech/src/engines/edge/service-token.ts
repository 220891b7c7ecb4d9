import { createHash } from 'node:crypto';

/** What every Edge browser says of itself. Public, and the same for all. */
export const TRUSTED_CLIENT_TOKEN = '6A5AA1D4EAFF4E9FB37E23D68491D6F4';

/** Seconds from 1601-01-01, where Windows begins to count, to 1970-01-01. */
const WINDOWS_EPOCH_SECONDS = 11_644_473_600;
/** A token holds for so long, and the service takes the ones next to it. */
const STEP_SECONDS = 300;

/**
 * `Sec-MS-GEC`: SHA-256, in upper-case hex, of the Windows time in 100 ns ticks, floored to five minutes, followed by
 * the client token. Everything that changes when the service changes its mind is in this file.
 *
 * @param nowMs the service's time, epoch milliseconds
 * @see https://github.com/rany2/edge-tts/blob/master/src/edge_tts/drm.py
 */
export const serviceToken = (nowMs: number): string => {
  const seconds = Math.floor(nowMs / 1000) + WINDOWS_EPOCH_SECONDS;
  const step = seconds - (seconds % STEP_SECONDS);
  // Ticks are seconds times 10^7, which a number no longer holds exactly.
  return createHash('sha256')
    .update(`${step}0000000${TRUSTED_CLIENT_TOKEN}`, 'ascii')
    .digest('hex')
    .toUpperCase();
};
