import type { Command } from 'commander';
import { UsageError } from '../exit-code.ts';
import type { VoiceFlags } from '../voices/register.node.ts';

const EXAMPLES = `
Examples:
  taleback voices list
  taleback voices share 21m00Tcm4TlvDq8ikWAM
  taleback voices assign mum --user 4pQ7sX0bWcTz
  taleback voices close mum

The register is in Firestore, which is reached with your own Google credentials: GOOGLE_CLOUD_PROJECT names the project,
TALEBACK_INSTANCE the deployment in it. A decision holds until the next one; no worker changes it.`;

const register = () => import('../voices/register.node.ts');

/** `taleback voices list`, `share`, `assign` and `close` */
export const addVoicesCommand = (program: Command): void => {
  const voices = program
    .command('voices')
    .summary('who may use which voice')
    .description('Shows who may use which voice, and decides it.')
    .addHelpText('after', EXAMPLES);
  voices
    .command('list')
    .description('Lists the register: engine, id, name, and who may use the voice.')
    .option('--json', 'as JSON', false)
    .action(async (flags: { readonly json: boolean }) => (await register()).listVoices(flags));
  const ENGINE = [
    '--engine <name>',
    'only the voice of this engine; default: of every engine that has the id',
  ] as const;
  for (const [name, access, words] of [
    ['share', 'shared', 'Lets everyone use a voice.'],
    ['close', 'closed', 'Lets no one use a voice.'],
  ] as const)
    voices
      .command(name)
      .description(words)
      .argument('<id>', 'of the voice')
      .option(...ENGINE)
      .action(async (id: string, flags: VoiceFlags) => (await register()).setAccess(id, access, flags));
  voices
    .command('assign')
    .description('Lets one user use a voice, and no one else.')
    .argument('<id>', 'of the voice')
    .requiredOption('--user <id>', 'the user')
    .option(...ENGINE)
    .action(async (id: string, { user, ...flags }: VoiceFlags & { readonly user: string }) => {
      if (user === '') throw new UsageError('--user must not be empty');
      await (await register()).setAccess(id, { owner: user }, flags);
    });
};
