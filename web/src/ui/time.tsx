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

const DAY = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'long', year: 'numeric' });
const DAY_AND_TIME = new Intl.DateTimeFormat(undefined, {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
});
const TIME = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });

const FORMATS = { day: DAY, 'day-and-time': DAY_AND_TIME, time: TIME } as const;

/** A moment in Unix milliseconds, in the reader's own words and time zone. */
export const Moment = ({ atMs, as }: { atMs: number; as: keyof typeof FORMATS }) => {
  const date = new Date(atMs);
  if (Number.isNaN(date.getTime())) return null;
  return <time dateTime={date.toISOString()}>{FORMATS[as].format(date)}</time>;
};
