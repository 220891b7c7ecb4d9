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
