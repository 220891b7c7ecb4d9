const SECOND_MS = 1000;
const SECONDS_A_MINUTE = 60;

/** A length of time in words: `48 s`, `1 min 5 s`. Under ten seconds it keeps one decimal. */
export const durationWords = (durationMs: number): string => {
  const seconds = Math.max(0, durationMs) / SECOND_MS;
  if (seconds < 9.95) return `${Number(seconds.toFixed(1))} s`;
  const whole = Math.round(seconds);
  if (whole < SECONDS_A_MINUTE) return `${whole} s`;
  const rest = whole % SECONDS_A_MINUTE;
  const minutes = `${Math.floor(whole / SECONDS_A_MINUTE)} min`;
  return rest === 0 ? minutes : `${minutes} ${rest} s`;
};
