import type { EngineRecord, EngineTeller } from './engine-record.ts';
import {
  ENGINE_STATES,
  type EngineAbilities,
  type EngineHealth,
  type EnginesReport,
  type ReportedEngine,
} from './engine-report.ts';

/** How long a worker's word holds, ms: five of its reports, which come every minute, may be lost. */
export const ENGINE_WORD_MS = 300_000;

/**
 * Tellers that are kept of one engine. Ten who say the same are enough to know it; what more would say costs a write
 * a minute each, on a document that takes about one write a second.
 */
const MAX_TELLERS = 10;

export type EngineDecision =
  /** It stands already, and for long enough. */
  { readonly kind: 'unchanged' } | { readonly kind: 'changed'; readonly record: EngineRecord };

const rankOf = ({ state }: EngineHealth): number => ENGINE_STATES.indexOf(state);

/** Best state first. */
const byRank = (one: EngineTeller, other: EngineTeller): number => rankOf(one) - rankOf(other);

const healthOf = ({ state, reason, errorCode, breaker, retryAtMs }: EngineHealth): EngineHealth => ({
  state,
  reason,
  errorCode,
  breaker,
  retryAtMs,
});

const abilitiesOf = ({ languages, clonesVoices, voices }: EngineAbilities): EngineAbilities => ({
  languages,
  clonesVoices,
  voices,
});

const GONE: EngineHealth = {
  state: 'unavailable',
  reason: undefined,
  errorCode: undefined,
  breaker: undefined,
  retryAtMs: undefined,
};

/** JSON leaves out what is undefined, so a field that is absent and one that is undefined are the same. */
const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

/** Whether a teller's word must be written: it is new, or less than half of its time is left. */
const isDue = (known: EngineTeller | undefined, told: EngineTeller, nowMs: number): boolean =>
  known === undefined ||
  known.expiresAtMs - nowMs < ENGINE_WORD_MS / 2 ||
  !isSame(healthOf(known), healthOf(told));

/**
 * Decides how an engine stands after a worker spoke of it. Among the workers whose word is fresh the best state wins,
 * and of several with the best state the one whose word stood already, so that the document is quiet. Who takes over
 * from a worker that fell silent is known by its state only; the voices stay those of before until it speaks again.
 *
 * A worker that is stopping takes its engine along: it counts as unavailable, unless somebody else has it.
 *
 * @param known the engine's document, when there is one that can be read
 * @param nowMs unix milliseconds, of the same clock that wrote `known`
 */
export const decideEngine = (
  known: EngineRecord | undefined,
  told: ReportedEngine,
  { workerId, state }: Pick<EnginesReport, 'workerId' | 'state'>,
  nowMs: number,
): EngineDecision => {
  const mine: EngineTeller = {
    ...(state === 'stopping' ? GONE : healthOf(told)),
    workerId,
    expiresAtMs: nowMs + ENGINE_WORD_MS,
  };
  const fresh = (known?.tellers ?? []).filter(({ expiresAtMs }) => expiresAtMs > nowMs);
  const myLast = fresh.find((one) => one.workerId === workerId);
  const others = fresh.filter((one) => one.workerId !== workerId);
  // The newcomer stands last among its equals: where there are too many, nobody is put out by the same word.
  const tellers = [...others, mine].toSorted(byRank).slice(0, MAX_TELLERS);
  const best = tellers.filter((one) => one.state === tellers[0]?.state);
  const winner = best.find((one) => one.workerId === known?.workerId) ?? best[0] ?? mine;
  const record: EngineRecord = {
    name: told.name,
    ...healthOf(winner),
    ...abilitiesOf(winner === mine || known === undefined ? told : known),
    workerId: winner.workerId,
    expiresAtMs: Math.max(...best.map(({ expiresAtMs }) => expiresAtMs)),
    tellers,
  };
  const isKept = tellers.includes(mine);
  const isQuiet =
    known !== undefined &&
    known.workerId === record.workerId &&
    isSame(healthOf(known), healthOf(record)) &&
    isSame(abilitiesOf(known), abilitiesOf(record)) &&
    !(isKept && isDue(myLast, mine, nowMs));
  return isQuiet ? { kind: 'unchanged' } : { kind: 'changed', record };
};
