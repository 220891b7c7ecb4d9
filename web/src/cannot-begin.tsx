import { PageHeader } from './page-header.tsx';
import { FailureNotice, PageHeading } from './ui/elements.tsx';

/** The page cannot begin; `sentence` says what is missing from which file. */
export const Unconfigured = ({ sentence }: { sentence: string }) => (
  <>
    <PageHeader connection={undefined} />
    <div class="layout">
      <main class="welcome">
        <PageHeading>Taleback is not set up yet</PageHeading>
        <FailureNotice>
          <p class="failure-sentence">The configuration of this page is incomplete.</p>
          <p data-testid="config-error">{sentence}</p>
        </FailureNotice>
      </main>
    </div>
  </>
);

/** The server that the page came from does not answer for its configuration. */
export const Unreached = () => (
  <>
    <PageHeader connection="offline" />
    <div class="layout">
      <main class="welcome">
        <PageHeading>Taleback</PageHeading>
        <p class="lead">The server cannot be reached. The page goes on by itself when it can.</p>
      </main>
    </div>
  </>
);

/** A part of the page did not arrive, or would not begin. */
export const Broken = ({ words }: { words: string }) => (
  <>
    <PageHeader connection={undefined} />
    <div class="layout">
      <main class="welcome">
        <PageHeading>Taleback</PageHeading>
        <FailureNotice>
          <p class="failure-sentence">A part of this page could not be loaded.</p>
          <p>
            <a href={location.pathname}>Load the page again.</a>
          </p>
          <p class="small">{words}</p>
        </FailureNotice>
      </main>
    </div>
  </>
);
