import { InvalidArgumentError } from 'commander';

const parseBetween =
  (min: number, max: number, what: string) =>
  (text: string): number => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (!(value >= min && value <= max)) {
      throw new InvalidArgumentError(`It must be ${what} from ${min} to ${max}.`);
    }
    return value;
  };

/** Seconds, 0.1 to 600. @throws InvalidArgumentError, which commander tells */
export const parseSeconds = parseBetween(0.1, 600, 'seconds');

/** Seconds that a narration may take, 1 to 86,400. @throws InvalidArgumentError */
export const parseLongSeconds = parseBetween(1, 86_400, 'seconds');

/** A rate of speech. @throws InvalidArgumentError @see SPEED_RANGE of engines */
export const parseSpeed = parseBetween(0.5, 2, 'a number');

/** A base address, without a closing slash. @throws InvalidArgumentError */
export const parseBaseUrl = (text: string): string => {
  const isHttp = URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
  if (!isHttp) throw new InvalidArgumentError('It must be an http or https address.');
  return text.replace(/\/+$/, '').replace(/\/api\/tts$/, '');
};
