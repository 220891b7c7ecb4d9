/** What the file is now, compared with the version that is known already. */
export type ControlFileAnswer =
  | { readonly kind: 'missing' }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'text'; readonly text: string; readonly stamp: string }
  | { readonly kind: 'unreadable'; readonly cause: string };

/** Port: a small file through which an operator speaks to a running worker. */
export interface ControlFile {
  /** How operators know it. */
  readonly name: string;
  /** Looks at the file, and reads it unless its stamp is the known one. Never throws. */
  read(knownStamp: string | undefined): ControlFileAnswer;
}
