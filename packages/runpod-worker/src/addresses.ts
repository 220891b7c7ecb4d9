import { toWellFormed } from '@taleback/core';
import { PROTOCOL_VERSION } from './protocol.ts';
import type { RunpodSettings } from './settings.ts';

/** The platform's ids are plain; half a character would make an address impossible. */
export const encodeId = (id: string): string => encodeURIComponent(toWellFormed(id));

/** The templates carry a query already; the parameters follow in the order they are given. */
const withQuery = (url: string, parameters: readonly (readonly [string, string])[]): string => {
  const query = parameters.map(([name, value]) => `${name}=${value}`).join('&');
  return `${url}${url.includes('?') ? '&' : '?'}${query}`;
};

const TAKE = '/job-take/';

const takeBase = ({ takeTemplate, workerId }: RunpodSettings): string =>
  takeTemplate.replaceAll('$ID', () => workerId);

/** @param size jobs wanted at most; one is asked for at the single address, more at the batch address */
export const takeAddress = (settings: RunpodSettings, size: number, isBusy: boolean): string => {
  const base = takeBase(settings);
  const busy = ['job_in_progress', isBusy ? '1' : '0'] as const;
  return size === 1
    ? withQuery(base, [busy])
    : withQuery(base.replace(TAKE, '/job-take-batch/'), [['batch_size', String(size)], busy]);
};

/** Undefined when the job-take address has no place to put `job-stop`. */
export const stopAddress = (settings: RunpodSettings): string | undefined => {
  const base = takeBase(settings);
  return base.includes(TAKE) ? base.replace(TAKE, '/job-stop/') : undefined;
};

const ofJob = (template: string, workerId: string, jobId: string, isStream: boolean): string =>
  withQuery(
    template.replaceAll('$RUNPOD_POD_ID', () => workerId).replaceAll('$ID', () => encodeId(jobId)),
    [['isStream', String(isStream)]],
  );

/** Where a result goes. `workerId` is who took the job: it may have been this worker's forerunner. */
export const resultAddress = (
  settings: RunpodSettings,
  workerId: string,
  jobId: string,
  isStream: boolean,
): string => ofJob(settings.outputTemplate, workerId, jobId, isStream);

/** Where the chunks of a stream go; undefined when the platform gave no such address. */
export const chunkAddress = (settings: RunpodSettings, jobId: string): string | undefined =>
  settings.streamTemplate === undefined
    ? undefined
    : ofJob(settings.streamTemplate, settings.workerId, jobId, false);

/** Undefined when no pings can be sent. */
export const pingAddress = (
  { pingTemplate, workerId }: RunpodSettings,
  jobIds: readonly string[],
): string | undefined => {
  if (pingTemplate === undefined) return undefined;
  const version = ['runpod_version', PROTOCOL_VERSION] as const;
  const jobs = ['job_id', encodeId(jobIds.join(','))] as const;
  return withQuery(
    pingTemplate.replaceAll('$RUNPOD_POD_ID', () => workerId),
    jobIds.length === 0 ? [version] : [jobs, version],
  );
};
