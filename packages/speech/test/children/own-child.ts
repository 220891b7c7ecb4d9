import { fileURLToPath } from 'node:url';
import { OWN_NODE_ARGS } from '../../src/own-files.node.ts';

/** Arguments for a Node that runs an entry beside `base`. */
export const childArgs = (entry: string, base: string): string[] => [
  ...OWN_NODE_ARGS,
  fileURLToPath(new URL(entry, base)),
];

/** A child with an engine that does what the text says; see staged-child.ts. */
export const STAGED_CHILD_ARGS: readonly string[] = childArgs('staged-child.ts', import.meta.url);
