import { diagnose } from '@taleback/speech/src/diagnosis/diagnose.ts';
import type { NetworkProbe } from '@taleback/speech/src/diagnosis/network.ts';
import type { Check, CheckGroup } from './check.ts';

export interface PlaceCheckOptions {
  readonly name: string;
  readonly group: CheckGroup;
  readonly network: NetworkProbe;
  /** Where it is, or why it is not asked. */
  readonly place: { readonly url: string } | { readonly skipped: string };
  /** Asked once it is reached; gives a line about it. @throws TalebackError */
  readonly health?: ((signal: AbortSignal) => Promise<string>) | undefined;
  readonly timeoutMs: number;
}

/** A service that the worker depends on: whether it is reached, over TLS where it has that. */
export const placeCheck = ({ name, group, network, place, health, timeoutMs }: PlaceCheckOptions): Check => ({
  name,
  group,
  run: async (signal) => {
    if ('skipped' in place) return { status: 'skipped', summary: place.skipped };
    const diagnosis = await diagnose(place.url, { network, health }, { timeoutMs, signal });
    const { ok, code, summary, details, suggestions, target, steps } = diagnosis;
    if (!ok) return { status: 'failed', code, summary, details, suggestions };
    const told = health === undefined ? 'is reached' : (steps.at(-1)?.words ?? '');
    return { status: 'ok', summary: `${target}: ${told}.` };
  },
});
