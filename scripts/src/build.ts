import { buildFunctions } from './build/functions.ts';
import { buildPackages } from './build/packages.ts';
import { buildWeb } from './build/web.ts';

const PARTS = { functions: buildFunctions, web: buildWeb, packages: buildPackages };

const wanted = process.argv[2];
const isPart = (name: string): name is keyof typeof PARTS => Object.hasOwn(PARTS, name);

if (wanted !== undefined && !isPart(wanted)) {
  process.stderr.write(`build: "${wanted}" is not one of ${Object.keys(PARTS).join(', ')}\n`);
  process.exitCode = 2;
} else {
  await Promise.all((wanted === undefined ? Object.values(PARTS) : [PARTS[wanted]]).map((build) => build()));
}
