import { fileURLToPath } from 'node:url';

// Node runs the sources directly, so a source starts its sibling sources and a built file its built siblings.
const isSource = import.meta.url.endsWith('.ts');

/** A file of this package that is started as a thread or process. @param path from `src` on, without its ending */
export const ownFile = (path: string): URL => new URL(`${path}.${isSource ? 'ts' : 'js'}`, import.meta.url);

/** Arguments for a Node that runs our files: among sources, other packages are found as sources too. */
export const OWN_NODE_ARGS: readonly string[] = isSource ? ['--conditions=@taleback/source'] : [];

export const FLITE_CHILD_FILE = fileURLToPath(ownFile('engines/flite/flite-child'));

/** The folder of the Python package `taleback_speech`. */
export const PYTHON_FOLDER = fileURLToPath(new URL('../python', import.meta.url));
