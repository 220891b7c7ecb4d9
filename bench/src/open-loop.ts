import type { Random } from '@taleback/resilience';
import { setTimeout as sleep } from 'node:timers/promises';

const WORDS = (
  'a an at by in of on to we all and boy cow dog egg far fox hen her his let man mud now old one our pig red sea she ' +
  'the two who back bear bird blue boat bread cold dove down farm fell fish five gold good grey hand hill home king ' +
  'lake lamp long moon nest over rain road ship snow song star tree walk wind wolf barn after black brave bring chair ' +
  'cloud dance early every field giant grass green happy horse house light maple night ocean paper queen quiet river ' +
  'round sleep small stone story three under water white window winter garden kitten letter little market morning ' +
  'mother orange silver spring summer thunder village whisper children evening forest hundred kitchen mountain ' +
  'princess rainbow remember sparrow'
).split(' ');

/** The shortest that may be left for another word and the space before it. */
const LEAST_LEFT = 2;

/** Texts of this many characters each, no two alike, that read like sentences to an engine. */
export const differentSentences = (count: number, characters: number, random: Random): string[] => {
  const sentences = new Set<string>();
  while (sentences.size < count) sentences.add(sentenceOf(characters, random));
  return [...sentences];
};

const sentenceOf = (characters: number, random: Random): string => {
  let text = '';
  while (text.length < characters - 1) {
    const space = text === '' ? '' : ' ';
    const left = characters - 1 - text.length - space.length;
    const fitting = WORDS.filter(({ length }) => length === left || length + LEAST_LEFT <= left);
    text += space + (fitting[Math.floor(random() * fitting.length)] ?? '');
  }
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
};

export type OpenLoopReport = Awaited<ReturnType<typeof runOpenLoop>>;

/** One request every so often. */
export const evenSchedule = (count: number, perSecond: number): number[] =>
  Array.from({ length: count }, (_, index) => (index * 1_000) / perSecond);

/** Requests that know nothing of each other, so many a second on average. */
export const poissonSchedule = (count: number, perSecond: number, random: Random): number[] => {
  let atMs = 0;
  return Array.from({ length: count }, () => {
    const mine = atMs;
    atMs -= (Math.log(1 - random()) * 1_000) / perSecond;
    return mine;
  });
};

/**
 * Begins each request at its time, whatever has become of the others, and counts its latency from that time: a slow
 * answer neither delays nor hides the requests after it.
 *
 * @param scheduleMs when each begins, from now
 */
export const runOpenLoop = async (
  scheduleMs: readonly number[],
  request: (index: number) => Promise<void>,
) => {
  /** Of every request that was answered, from the time it was scheduled for. */
  const latenciesMs: number[] = [];
  const errors: unknown[] = [];
  const pending: Promise<void>[] = [];
  const beganMs = performance.now();
  /** The latest that a request was begun after its time. */
  let latestStartMs = 0;
  for (const [index, atMs] of scheduleMs.entries()) {
    const dueMs = beganMs + atMs;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    latestStartMs = Math.max(latestStartMs, performance.now() - dueMs);
    pending.push(
      request(index).then(
        () => void latenciesMs.push(performance.now() - dueMs),
        (error: unknown) => void errors.push(error),
      ),
    );
  }
  await Promise.all(pending);
  const seconds = (performance.now() - beganMs) / 1_000;
  return { latenciesMs, errors, answeredPerSecond: latenciesMs.length / seconds, latestStartMs };
};
