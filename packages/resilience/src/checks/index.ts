export { assertNever } from './assert-never.ts';
export { checkInteger, checkNumber } from './check-number.ts';
