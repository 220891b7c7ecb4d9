export { describeFault, errorWords, type FaultWords, type Log } from '../log.ts';
export * from './catalogue.ts';
export * from './classify.ts';
export * from './taleback-error.ts';
