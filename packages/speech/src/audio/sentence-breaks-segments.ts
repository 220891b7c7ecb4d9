/** Segmenting a long text in one go takes time that grows with its square (V8 of Node 20), so it is done by windows. */
const WINDOW_CHARACTERS = 512;
/** What ends so near to a window's end may go on behind it. */
const MARGIN_CHARACTERS = 64;

export interface TextSegment {
  readonly index: number;
  readonly segment: string;
  readonly isWordLike: boolean;
}

/** The segments of a text of any length, in order and without a gap. */
export function* segmentsOf(text: string, segmenter: Intl.Segmenter): Generator<TextSegment> {
  for (let start = 0; start < text.length; ) {
    const view = text.slice(start, start + WINDOW_CHARACTERS);
    const settled = start + WINDOW_CHARACTERS < text.length ? view.length - MARGIN_CHARACTERS : view.length;
    let taken = 0;
    for (const { index, segment, isWordLike } of segmenter.segment(view)) {
      const end = index + segment.length;
      if (end > settled && taken > 0) break;
      yield { index: start + index, segment, isWordLike: isWordLike === true };
      taken = end;
    }
    start += taken;
  }
}
