export { raceAbort } from './race-abort.ts';
export { wait } from './wait.ts';
