import { fileURLToPath } from 'node:url';

// Node runs the sources as they are, so a source starts its sibling sources and a built file its built siblings.
const isSource = import.meta.url.endsWith('.ts');
const own = (path: string): URL => new URL(`${path}.${isSource ? 'ts' : 'js'}`, import.meta.url);

/** Arguments for a Node that runs our files: among sources, other packages are found as sources too. */
export const OWN_NODE_ARGS: readonly string[] = isSource ? ['--conditions=@taleback/source'] : [];

export const FLITE_CHILD_FILE = fileURLToPath(own('../../protocol/child/flite-child'));
export const FLITE_THREAD_FILE = own('../flite/flite-thread');

/** The folder of the Python package `taleback_speech`. */
export const PYTHON_FOLDER = fileURLToPath(new URL('../../../python', import.meta.url));
