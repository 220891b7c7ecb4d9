import type { ComponentChildren, RefObject } from 'preact';
import { useId } from 'preact/hooks';

/** Strokes on a 24 by 24 grid. */
const PATHS = {
  book: 'M4 5.5c2.8-1 5.5-.8 8 .8v13c-2.5-1.6-5.2-1.8-8-.8zM20 5.5c-2.8-1-5.5-.8-8 .8v13c2.5-1.6 5.2-1.8 8-.8z',
  clock: 'M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17zM12 7.5V12l3 2',
  waves: 'M3.5 10.5v3M7.8 7v10M12 4v16M16.2 8v8M20.5 10.5v3',
  check: 'M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17zM8.2 12.3l2.6 2.6 5-5.4',
  warning: 'M12 4 2.8 19.5h18.4zM12 10v4.5M12 17.2v.1',
  question:
    'M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17zM9.7 9.6a2.4 2.4 0 1 1 3.4 2.3c-.8.4-1.1.9-1.1 1.7M12 16.4v.1',
  signal:
    'M12 18.5v.1M8.6 15a4.8 4.8 0 0 1 6.8 0M5.6 11.6a9.1 9.1 0 0 1 12.8 0M2.7 8.2a13.2 13.2 0 0 1 18.6 0',
  broken:
    'M12 18.5v.1M8.6 15a4.8 4.8 0 0 1 6.8 0M3 3l18 18M2.7 8.2a13 13 0 0 1 3.6-2.5M10.6 4.4a13.2 13.2 0 0 1 10.7 3.8',
  history: 'M4 12a8 8 0 1 0 2.6-5.9L4 8.2M4 4v4.2h4.2M12 8v4.3l2.8 1.7',
  lock: 'M6 11h12v8.5H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3',
  download: 'M12 4v10.5M7.5 10.5 12 15l4.5-4.5M5 19.5h14',
  plus: 'M12 5v14M5 12h14',
  back: 'M19 12H5M11 6l-6 6 6 6',
} as const;

export type IconName = keyof typeof PATHS;

/** An icon beside a word, never instead of one. */
export const Icon = ({ name }: { name: IconName }) => (
  <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
    <path d={PATHS[name]} />
  </svg>
);

interface FailureProps {
  readonly sentence?: ComponentChildren;
  readonly testId?: string;
  readonly children?: ComponentChildren;
}

/** A failure, announced at once by screen readers: what happened, and what else there is to say. */
export const FailureNotice = ({ sentence, testId, children }: FailureProps) => (
  <div class="failure" role="alert">
    <Icon name="warning" />
    <div>
      {sentence !== undefined && (
        <p class="failure-sentence" data-testid={testId}>
          {sentence}
        </p>
      )}
      {children}
    </div>
  </div>
);

interface ConfirmProps {
  /** `showModal` on it asks. */
  readonly dialog: RefObject<HTMLDialogElement | null>;
  readonly heading: string;
  readonly stay: string;
  readonly act: string;
  readonly testId: string;
  readonly onAct: () => void;
  readonly children: ComponentChildren;
}

/** Asks before something is lost. */
export const ConfirmDialog = ({ dialog, heading, stay, act, testId, onAct, children }: ConfirmProps) => {
  const id = useId();
  return (
    <dialog ref={dialog} aria-labelledby={id}>
      <form method="dialog">
        <h2 id={id}>{heading}</h2>
        <p>{children}</p>
        <div class="actions">
          <button class="button" type="submit">
            {stay}
          </button>
          <button class="button quiet" type="submit" data-testid={testId} onClick={onAct}>
            {act}
          </button>
        </div>
      </form>
    </dialog>
  );
};

/** Marks the heading that focus goes to when the reader opens another page. */
export const PAGE_HEADING_ID = 'page-heading';

interface HeadingProps {
  readonly children: ComponentChildren;
  readonly lang?: string | undefined;
}

/** The one first heading of a page. */
export const PageHeading = ({ children, lang }: HeadingProps) => (
  <h1 id={PAGE_HEADING_ID} tabIndex={-1} lang={lang}>
    {children}
  </h1>
);
