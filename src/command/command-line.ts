import { UserError } from '#recipe/user-error.ts';
import { type Arguments, parseArguments } from './arguments.ts';
import { endWithout } from './end-without.ts';
import { initConfig } from './init.ts';
import { type ProcessLike, surroundings } from './surroundings.ts';
import { tellJson } from './tell-json.ts';

/** Runs one command line. Resolves to the exit code; mistakes of the user's are told, not thrown. */
export const main = async (proc: ProcessLike): Promise<number> => {
  proc.stdout.on('error', () => {}); // the reader has gone, as with `| head`; the work goes on
  let args: Arguments | undefined;
  try {
    const [first, ...rest] = proc.argv;
    if (first === 'swarm') return await (await import('./swarm-command.ts')).runSwarmCommand(rest, proc);
    const parsed = await parseArguments(proc.argv);
    if ('text' in parsed) {
      proc.stdout.write(`${parsed.text}\n`);
      return 0;
    }
    args = parsed;
    if (args.command === 'init') return await runInit(proc);
    if (args.command === 'tasks')
      return await (await import('./list-tasks.ts')).listTasks(args, surroundings(proc), proc.stdout);
    if (args.command === 'doctor') return await (await import('./doctor.ts')).doctor(args, surroundings(proc), proc);
    if (args.plan) return await (await import('./show-plan.ts')).showPlan(args, surroundings(proc), proc.stdout);
    return await (await import('./run-command.ts')).runCommand(args, surroundings(proc), proc);
  } catch (error) {
    return tellError(error as Error, args, proc);
  }
};

const runInit = async ({ cwd, stdout }: ProcessLike): Promise<number> => {
  stdout.write(`${await initConfig(cwd)}\n`);
  return 0;
};

/** A mistake of the user's is its message; anything else is a mistake of ours, with all that helps to find it. */
const tellError = (error: Error, args: Arguments | undefined, { argv, stdout, stderr }: ProcessLike): number => {
  const ours = !(error instanceof UserError);
  const exitCode = ours ? 1 : error.exitCode;
  const message = ours ? `this is a bug in rookery: ${error.message}` : error.message;
  if (args?.format === 'json' || /--format[= ]json/.test(argv.join(' '))) {
    tellJson(stdout, 'summary', endWithout(exitCode, message, args));
  }
  stderr.write(`deploy: ${message}\n`);
  const { stack } = error.cause instanceof Error ? error.cause : error;
  if (ours || args?.trace) stderr.write(`${stack}\n`);
  return exitCode;
};
