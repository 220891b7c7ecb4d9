import { errorText, type ResultBody } from './result-body.ts';

const MIB = 1024 * 1024;

const inMib = (sizeBytes: number): string => (sizeBytes / MIB).toFixed(1);

const REMEDY = 'Upload it to storage and return its address.';

/** Stands in for a result that the platform did not take because of its size. */
export const refusedForSize = (sizeBytes: number): ResultBody => ({
  error: `The platform refused the result for its size, ${inMib(sizeBytes)} MiB. ${REMEDY}`,
});

const tooLarge = (sizeBytes: number, maxBytes: number): ResultBody => ({
  error: `The result is too large: ${inMib(sizeBytes)} MiB, at most ${inMib(maxBytes)} MiB are accepted. ${REMEDY}`,
});

/**
 * JSON text of a result. What cannot be written as JSON, and what is larger than `maxBytes`, becomes an error result
 * that says so; `stopPod` is kept.
 */
export const encodeResult = (body: ResultBody, maxBytes: number): string => {
  const instead = (replacement: ResultBody): string =>
    JSON.stringify({ ...replacement, ...(body.stopPod === true ? { stopPod: true } : {}) });
  let text: string;
  try {
    text = JSON.stringify(body);
  } catch (error) {
    return instead({ error: `The result cannot be written as JSON: ${errorText(error)}` });
  }
  const sizeBytes = Buffer.byteLength(text);
  return sizeBytes > maxBytes ? instead(tooLarge(sizeBytes, maxBytes)) : text;
};
