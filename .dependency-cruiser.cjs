/** The arrows of ARCHITECTURE.md, as errors. */
const packages = ['core', 'resilience', 'outbox', 'runpod-worker', 'speech', 'handler'];
const folderOf = (name) => (packages.includes(name) ? `packages/${name}` : name);
const every = [...packages, 'functions', 'worker', 'cli', 'web', 'scripts', 'bench', 'e2e'];
const workspaceArrows = {
  core: [],
  resilience: [],
  outbox: ['core', 'resilience'],
  'runpod-worker': ['resilience', 'outbox'],
  speech: ['core', 'resilience'],
  handler: ['core', 'resilience'],
  functions: packages,
  worker: packages,
  cli: [...packages, 'worker'],
  web: ['core'],
};
const isTest = ['\\.test\\.tsx?$', '/test/', '/examples/'];

module.exports = {
  forbidden: [
    ...Object.entries(workspaceArrows).map(([from, allowed]) => ({
      name: `${from}-imports-only-${allowed.join('-') || 'nothing-of-ours'}`,
      severity: 'error',
      from: { path: `^${folderOf(from)}/src/`, pathNot: isTest },
      to: {
        path: every
          .filter((name) => name !== from && !allowed.includes(name))
          .map((name) => `^${folderOf(name)}/`),
      },
    })),
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'core-imports-zod-only',
      severity: 'error',
      from: { path: '^packages/core/src/', pathNot: isTest },
      to: { dependencyTypes: ['npm', 'npm-dev'], pathNot: 'node_modules/zod/' },
    },
    {
      name: 'core-uses-node-only-to-sign-and-hash',
      comment: 'The page imports core, so only its rooms for signatures and storage may need Node.',
      severity: 'error',
      from: { path: '^packages/core/src/', pathNot: [...isTest, '^packages/core/src/(signatures|storage)/'] },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'resilience-imports-nothing',
      severity: 'error',
      from: { path: '^packages/resilience/src/', pathNot: isTest },
      to: { pathNot: '^packages/resilience/src/' },
    },
    {
      name: 'the-outside-stands-in-x.node.ts',
      comment: 'What touches the outside of a subject is named x.node.ts.',
      severity: 'error',
      from: {
        path: '^(packages|functions|worker|cli)/',
        // taleback.js runs first, before anything is known to work.
        pathNot: [
          ...isTest,
          '\\.node\\.ts$',
          '/src/(main|wiring|index|cli)\\.ts$',
          '^cli/bin/taleback\\.js$',
        ],
      },
      to: {
        path: [
          'node_modules/(firebase-admin|firebase-functions|@google-cloud|undici|send|ws|aws4fetch)/',
          '^(node:)?(fs|fs/promises|net|tls|http|https|child_process|worker_threads|sqlite|dgram)$',
        ],
      },
    },
    {
      name: 'speech-children-start-without-zod',
      comment: 'A child starts in half the time without zod; @taleback/core/errors does not load it.',
      severity: 'error',
      from: { path: '^packages/speech/src/engines/flite/flite-child\\.ts$' },
      to: { path: 'node_modules/zod/', reachable: true },
    },
    {
      name: 'no-import-of-the-tools',
      severity: 'error',
      from: { path: '^(packages|functions|worker|cli|web)/', pathNot: isTest },
      to: { path: '^(scripts|bench|e2e)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: ['/dist/', '^\\.tsbuild'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@taleback/source', 'import', 'types', 'node', 'default'],
    },
  },
};
