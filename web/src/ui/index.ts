export { ConnectionBadge, ConnectionNotice } from './connection-badge.tsx';
export { durationWords } from './duration.ts';
export { FailureNotice } from './failure-notice.tsx';
export { Icon, type IconName } from './icon.tsx';
export { Moment } from './moment.tsx';
export { PAGE_HEADING_ID, PageHeading } from './page-heading.tsx';
