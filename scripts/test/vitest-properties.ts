import * as fc from 'fast-check';

/** Properties are tried with the same examples in every run, so that a change alone makes one fail; test:all tries others. */
if (process.env['TEST_SIZE'] !== 'all') fc.configureGlobal({ seed: 20_261_130 });
