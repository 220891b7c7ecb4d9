import type { ComponentChildren } from 'preact';

/** Marks the heading that focus goes to when the reader opens another page. */
export const PAGE_HEADING_ID = 'page-heading';

/** The one first heading of a page. */
export const PageHeading = ({
  children,
  lang,
}: {
  children: ComponentChildren;
  lang?: string | undefined;
}) => (
  <h1 id={PAGE_HEADING_ID} tabIndex={-1} lang={lang}>
    {children}
  </h1>
);
