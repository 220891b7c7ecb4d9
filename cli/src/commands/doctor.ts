import type { Command } from 'commander';
import { parseBaseUrl, parseSeconds, readConfig } from '../options.node.ts';
import { terminal } from '../terminal.ts';

const EXAMPLES = `
Examples:
  taleback doctor
  taleback doctor --engine kokoro --voice af_heart
  taleback doctor --quick
  taleback doctor --receiver https://your-site.example
  taleback doctor --json | jq '.checks[] | select(.status == "failed")'

Ends with 0 when nothing failed (a warning is no failure), 1 when something did, 2 when it could not begin.`;

interface DoctorFlags {
  readonly json: boolean;
  readonly engine?: string;
  readonly voice?: string;
  readonly quick: boolean;
  readonly receiver?: string;
  readonly timeout: number;
}

const runDoctor = async (flags: DoctorFlags): Promise<void> => {
  const settings = await readConfig({ ENGINES: flags.engine });
  const timeoutMs = flags.timeout * 1000;
  const { doctorChecks } = await import('../doctor/doctor-checks.node.ts');
  const { examine } = await import('../doctor/examine.ts');
  const { formatReport } = await import('../doctor/format-report.ts');
  const { voice: voiceId, quick: isQuick, receiver: receiverUrl } = flags;
  const options = { ...settings, voiceId, isQuick, receiverUrl, timeoutMs };
  const report = await examine(await doctorChecks(options), { timeoutMs });
  terminal.out(flags.json ? JSON.stringify(report, null, 2) : formatReport(report, terminal));
  if (!report.ok) process.exitCode = 1;
};

export const addDoctorCommand = (program: Command): void => {
  program
    .command('doctor')
    .summary('look at everything that narration needs, and say what is wrong')
    .description(
      'Looks at engines, breakers, credentials, the receiver, Google, storage, disks and the machine, side by side.',
    )
    .option('--json', 'one JSON object on standard output', false)
    .option('--engine <name>', 'only this engine, in place of ENGINES')
    .option('--voice <id>', 'a voice that has to be there')
    .option('--quick', 'let no engine speak a word', false)
    .option('--receiver <url>', 'base address of the callback receiver, without /api/tts', parseBaseUrl)
    .option('--timeout <seconds>', 'time for each check, 0.1 to 600', parseSeconds, 5)
    .addHelpText('after', EXAMPLES)
    .action(runDoctor);
};
