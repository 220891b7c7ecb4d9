import { pathToFileURL } from 'node:url';
import { inRoot } from './paths.ts';

/** The command line, from its sources, in the folder that it was called in. */
const entry = inRoot('cli/src/cli.ts');
process.chdir(process.env['INIT_CWD'] ?? process.cwd());
process.argv[1] = entry;
await import(pathToFileURL(entry).href);
