import { buildFunctions, buildWeb } from './build/deployed.ts';
import { buildPackages } from './build/packages.ts';
import { parseCommandLine, runScript, UsageError } from './command-line.ts';

const PARTS = { functions: buildFunctions, web: buildWeb, packages: buildPackages };
const USAGE = `Builds what is deployed and what is published.

  npm run build [-- functions|web|packages]
`;

const { positionals } = parseCommandLine({ usage: USAGE, maxArguments: 1 });
const [wanted] = positionals;
const isPart = (name: string): name is keyof typeof PARTS => Object.hasOwn(PARTS, name);

await runScript(USAGE, async () => {
  if (wanted !== undefined && !isPart(wanted))
    throw new UsageError(`"${wanted}" is not one of ${Object.keys(PARTS).join(', ')}`);
  await Promise.all((wanted === undefined ? Object.values(PARTS) : [PARTS[wanted]]).map((build) => build()));
  return 0;
});
