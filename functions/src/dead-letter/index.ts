export { type DeadLetterEnd, type DeadLetterOptions, failDeadLetter } from './fail-dead-letter.ts';
