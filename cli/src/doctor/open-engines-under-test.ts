import type { EngineUnderTest } from '@taleback/speech/src/diagnosis/index.ts';

/** Opens engines side by side. One that cannot be opened is there as well: its probe rejects with the reason. */
export const openEnginesUnderTest = <Name extends string>(
  names: readonly Name[],
  open: (name: Name) => Promise<EngineUnderTest>,
): Promise<readonly EngineUnderTest[]> =>
  Promise.all(
    names.map((name) =>
      open(name).catch((error: unknown) => ({ name, probe: () => Promise.reject(error), voices: () => [] })),
    ),
  );
