/** What one benchmark found. Printed as one JSON line. */
export interface BenchResult {
  readonly name: string;
  readonly figures: Readonly<Record<string, number>>;
  /** What each figure should be, in words. */
  readonly goals: Readonly<Record<string, string>>;
  /** Whether every goal is met. */
  readonly holds: boolean;
}
