export interface ProgressBar {
  /** @param fraction 0 to 1 */
  readonly show: (fraction: number) => void;
  /** Takes the bar off the line. Safe to call again. */
  readonly clear: () => void;
}

const CELLS = 30;
const CLEAR_LINE = '\r\u001B[2K';

/**
 * A bar on one line of a terminal.
 *
 * @param write where to; undefined where nobody looks: then it says nothing
 */
export const createProgressBar = (
  label: string,
  write: ((text: string) => void) | undefined,
): ProgressBar => {
  let shown = '';
  return {
    show: (fraction) => {
      if (write === undefined) return;
      const share = Math.min(1, Math.max(0, fraction));
      const full = Math.round(share * CELLS);
      const percent = String(Math.floor(share * 100)).padStart(3);
      const bar = `${label} [${'#'.repeat(full)}${'.'.repeat(CELLS - full)}] ${percent} %`;
      if (bar === shown) return;
      shown = bar;
      write(`${CLEAR_LINE}${bar}`);
    },
    clear: () => {
      if (write === undefined || shown === '') return;
      shown = '';
      write(CLEAR_LINE);
    },
  };
};
