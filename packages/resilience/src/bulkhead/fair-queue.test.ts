import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FairQueue, type Lane, type Priority, type Queueable } from './fair-queue.ts';

class Job implements Queueable<Job> {
  previous: Job | undefined = undefined;
  next: Job | undefined = undefined;
  lane: Lane<Job> | undefined = undefined;
  readonly priority: Priority;
  readonly tenant: string;
  readonly name: string;

  constructor(priority: Priority, tenant: string, name: string) {
    this.priority = priority;
    this.tenant = tenant;
    this.name = name;
  }
}

/** Queues jobs written as "priority tenant name". */
function filled(jobs: readonly string[], ageAfterTurns?: number): { queue: FairQueue<Job>; jobs: Job[] } {
  const queue = new FairQueue<Job>(ageAfterTurns);
  const made = jobs.map((line) => {
    const [priority, tenant = '', name = ''] = line.split(' ');
    const job = new Job(priority as Priority, tenant, name);
    queue.push(job.priority, tenant, job);
    return job;
  });
  return { queue, jobs: made };
}

function drained(queue: FairQueue<Job>): string[] {
  const order: string[] = [];
  for (let job = queue.take(); job !== undefined; job = queue.take()) order.push(job.name);
  return order;
}

describe('FairQueue', () => {
  it('serves higher priorities first, first come first served within one tenant', () => {
    const { queue } = filled(['low a 1', 'normal a 2', 'high a 3', 'normal a 4', 'high a 5']);
    expect(drained(queue)).toEqual(['3', '5', '2', '4', '1']);
  });

  it('lets tenants take turns within a priority, however many jobs one has', () => {
    const { queue } = filled([
      'normal a 1',
      'normal a 2',
      'normal a 3',
      'normal b 4',
      'normal c 5',
      'normal b 6',
    ]);
    expect(drained(queue)).toEqual(['1', '4', '5', '2', '6', '3']);
  });

  it('gives a tenant that comes back its turn after all who wait', () => {
    const { queue } = filled(['normal a 1', 'normal b 2', 'normal a 3']);
    expect(queue.take()?.name).toBe('1');
    queue.push('normal', 'c', new Job('normal', 'c', '4'));
    expect(drained(queue)).toEqual(['2', '3', '4']);
  });

  it('serves a priority that was passed over often enough', () => {
    const high = Array.from({ length: 12 }, (_, index) => `high a h${index}`);
    const { queue } = filled([...high, 'normal a n', 'low a l'], 4);
    expect(drained(queue).join(' ')).toBe('h0 h1 h2 h3 n l h4 h5 h6 h7 h8 h9 h10 h11');
  });

  it('takes out a job in the middle, at the ends and alone', () => {
    const { queue, jobs } = filled(['high a 1', 'high a 2', 'high a 3', 'high a 4', 'low b 5']);
    expect([0, 1, 3, 4].map((index) => queue.remove(jobs[index]!))).toEqual([true, true, true, true]);
    expect(queue.remove(jobs[1]!)).toBe(false);
    expect(queue.size).toBe(1);
    expect(drained(queue)).toEqual(['3']);
  });

  it('behaves like its model: never loses, doubles, reorders or starves a job', () => {
    const priorities = fc.constantFrom<Priority>('high', 'normal', 'low');
    const command = fc.oneof(
      fc.record({
        do: fc.constant('push' as const),
        priority: priorities,
        tenant: fc.constantFrom('a', 'b', 'c'),
      }),
      fc.record({ do: fc.constant('take' as const) }),
      fc.record({ do: fc.constant('remove' as const), pick: fc.nat() }),
    );
    fc.assert(
      fc.property(fc.array(command, { maxLength: 200 }), fc.integer({ min: 1, max: 4 }), (commands, age) => {
        const queue = new FairQueue<Job>(age);
        const model = new NaiveQueue(age);
        const taken: [Job | undefined, Job | undefined][] = [];
        for (const [index, step] of commands.entries()) {
          if (step.do === 'push') {
            const job = new Job(step.priority, step.tenant, String(index));
            queue.push(step.priority, step.tenant, job);
            model.push(job);
          } else if (step.do === 'take') taken.push([queue.take(), model.take()]);
          else {
            const job = model.jobs[step.pick % Math.max(1, model.jobs.length)];
            if (job !== undefined && queue.remove(job)) model.remove(job);
          }
          expect(queue.size).toBe(model.jobs.length);
        }
        while (model.jobs.length > 0) taken.push([queue.take(), model.take()]);
        for (const [actual, expected] of taken) expect(actual).toBe(expected);
        expect(queue.take()).toBeUndefined();
        expect(model.longestPassedOver).toBeLessThanOrEqual(age + 1);
      }),
      { numRuns: 500 },
    );
  });
});

const LEVELS: readonly Priority[] = ['high', 'normal', 'low'];

/** One list of jobs, searched anew each time, and the order of turns written down. */
class NaiveQueue {
  jobs: Job[] = [];
  longestPassedOver = 0;
  /** Per priority, the tenants with jobs, the next one first. */
  readonly #turns: Record<Priority, string[]> = { high: [], normal: [], low: [] };
  readonly #passedOver: Record<Priority, number> = { high: 0, normal: 0, low: 0 };
  readonly #ageAfterTurns: number;

  constructor(ageAfterTurns: number) {
    this.#ageAfterTurns = ageAfterTurns;
  }

  push(job: Job): void {
    this.jobs.push(job);
    const turns = this.#turns[job.priority];
    if (!turns.includes(job.tenant)) turns.push(job.tenant);
  }

  take(): Job | undefined {
    const waiting = LEVELS.filter((level) => this.#turns[level].length > 0);
    const due = waiting
      .filter((level) => level !== 'high' && this.#passedOver[level] >= this.#ageAfterTurns)
      .toSorted((a, b) => this.#passedOver[b] - this.#passedOver[a]);
    const level = due[0] ?? waiting[0];
    if (level === undefined) return undefined;
    for (const other of waiting) this.#passedOver[other] += 1;
    this.#passedOver[level] = 0;
    this.longestPassedOver = Math.max(this.longestPassedOver, this.#passedOver.normal, this.#passedOver.low);
    const [tenant = ''] = this.#turns[level].splice(0, 1);
    const job = this.jobs.find((other) => other.priority === level && other.tenant === tenant);
    if (job !== undefined) {
      this.jobs.splice(this.jobs.indexOf(job), 1);
      const more = this.jobs.some((other) => other.priority === level && other.tenant === tenant);
      if (more) this.#turns[level].push(tenant);
      if (this.#turns[level].length === 0) this.#passedOver[level] = 0;
    }
    return job;
  }

  remove(job: Job): void {
    this.jobs.splice(this.jobs.indexOf(job), 1);
    const turns = this.#turns[job.priority];
    const more = this.jobs.some((other) => other.priority === job.priority && other.tenant === job.tenant);
    if (!more) turns.splice(turns.indexOf(job.tenant), 1);
    if (turns.length === 0) this.#passedOver[job.priority] = 0;
  }
}
