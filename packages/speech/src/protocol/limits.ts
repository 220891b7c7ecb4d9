/** Longest line of either direction, bytes without its end: a long chapter with escapes, many times over. */
export const MAX_LINE_BYTES = 2 ** 20;

/** Most raw bytes after one line: half an hour of 16 kHz sound, where a chunk is some seconds. */
export const MAX_RAW_BYTES = 64 * 2 ** 20;
