import { buildFunctions, buildWeb } from './build/deployed.ts';
import { buildPackages } from './build/packages.ts';
import { runScript, UsageError } from './command-line.ts';

const USAGE = `Builds what is deployed and what is published.

  npm run build [-- functions|web|packages]
`;
const PARTS = new Map([
  ['functions', () => buildFunctions()],
  ['web', buildWeb],
  ['packages', buildPackages],
]);

await runScript({ usage: USAGE, maxArguments: 1 }, async (_flags, [wanted]) => {
  const part = PARTS.get(wanted ?? '');
  if (wanted !== undefined && part === undefined)
    throw new UsageError(`"${wanted}" is not one of ${[...PARTS.keys()].join(', ')}`);
  await Promise.all((part === undefined ? [...PARTS.values()] : [part]).map((build) => build()));
  return 0;
});
