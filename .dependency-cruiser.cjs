/** The arrows of ARCHITECTURE.md, as errors. */
const workspaceArrows = {
  core: [],
  resilience: [],
  functions: ['core', 'resilience'],
  worker: ['core', 'resilience'],
  web: ['core'],
};

const between = Object.entries(workspaceArrows).map(([from, allowed]) => ({
  name: `${from}-imports-only-${allowed.join('-') || 'nothing-of-ours'}`,
  comment: 'Workspaces meet on the wire or through core and resilience.',
  severity: 'error',
  from: { path: `^${from}/(src|test)/` },
  to: {
    path: '^(core|resilience|functions|worker|web|scripts|bench|e2e)/',
    pathNot: [
      `^${from}/`,
      ...allowed.flatMap((name) => [`^${name}/src/index\\.ts$`, `^${name}/src/[a-z-]+/index\\.ts$`]),
    ],
  },
}));

module.exports = {
  forbidden: [
    ...between,
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'core-imports-zod-only',
      severity: 'error',
      from: { path: '^core/src/', pathNot: '\\.test\\.ts$' },
      to: { dependencyTypes: ['npm', 'npm-dev'], pathNot: 'node_modules/zod/' },
    },
    {
      name: 'core-uses-node-only-to-sign-and-hash',
      comment: 'The page imports core, so only its rooms for signatures and storage may need Node.',
      severity: 'error',
      from: { path: '^core/src/', pathNot: ['\\.test\\.ts$', '^core/src/(signatures|storage)/'] },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'resilience-imports-nothing',
      severity: 'error',
      from: { path: '^resilience/src/', pathNot: '\\.test\\.ts$' },
      to: { pathNot: '^resilience/src/' },
    },
    {
      name: 'adapters-are-wired-by-main-only',
      comment: 'A room asks for a port; main, index or a plugin hands it the adapter.',
      severity: 'error',
      from: {
        path: '^(functions|worker)/src/',
        pathNot: [
          '/src/(main|batch-main|supervisor|open-[a-z]+|index|cli)\\.ts$',
          '/src/plugins/',
          '/adapters/',
          '\\.test\\.ts$',
        ],
      },
      to: { path: '^(functions|worker)/src/adapters/' },
    },
    {
      name: 'the-outside-enters-through-adapters',
      severity: 'error',
      from: {
        path: '^(functions|worker)/src/',
        pathNot: ['/src/(main|index|cli)\\.ts$', '/adapters/', '\\.test\\.ts$'],
      },
      to: {
        path: 'node_modules/(firebase-admin|firebase-functions|@google-cloud|undici|send|ws|aws4fetch)/',
      },
    },
    {
      name: 'nobody-imports-the-tools',
      severity: 'error',
      from: { path: '^(core|resilience|functions|worker|web)/' },
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
      conditionNames: ['import', 'types', 'node', 'default'],
    },
  },
};
