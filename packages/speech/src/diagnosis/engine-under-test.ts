/** An engine as it is diagnosed. A RemoteEngine is one. */
export interface EngineUnderTest {
  readonly name: string;
  /** Where it is reached; absent for one that runs on this machine. */
  readonly endpoint?: string | undefined;
  /** @throws TalebackError what is wrong with it */
  readonly probe: (signal: AbortSignal) => Promise<{ readonly details: string }>;
  /** Known when it was asked; an engine in reach may have none before. */
  readonly voices: () => readonly { readonly id: string }[];
}
