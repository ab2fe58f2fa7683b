import { hostname, userInfo } from 'node:os';
import { delimiter, dirname } from 'node:path';
import type { Writable } from 'node:stream';
import { UserError } from '#recipe/user-error.ts';
import { type Arguments, parseArguments } from './arguments.ts';
import { initConfig } from './init.ts';

/** What the program needs of its process. */
export interface ProcessLike {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly pid: number;
  readonly execPath: string;
  readonly stdout: Writable & { isTTY?: boolean; columns?: number; rows?: number };
  readonly stderr: Writable;
  readonly onSignal: (take: (name: string) => void) => void;
  readonly endNow: (code: number) => void;
}

/** Runs one command line. Resolves to the exit code; mistakes of the user's are told, not thrown. */
export const main = async (proc: ProcessLike): Promise<number> => {
  proc.stdout.on('error', () => {}); // the reader has gone, as with `| head`; the work goes on
  let args: Arguments | undefined;
  try {
    const parsed = await parseArguments(proc.argv);
    if ('text' in parsed) {
      proc.stdout.write(`${parsed.text}\n`);
      return 0;
    }
    args = parsed;
    if (args.command === 'init') return await runInit(proc);
    if (args.command === 'tasks')
      return await (await import('./list-tasks.ts')).listTasks(args, surroundings(proc), proc.stdout);
    if (args.plan) return await (await import('./show-plan.ts')).showPlan(args, surroundings(proc), proc.stdout);
    return await (await import('./run-command.ts')).runCommand(args, surroundings(proc), proc);
  } catch (error) {
    return tellError(error as Error, args, proc);
  }
};

/** Where and as whom the program runs, as the parts below need it. */
export interface AroundRun {
  readonly from: string;
  readonly user: string;
  readonly home: string;
  readonly machine: string;
  readonly pid: number;
  readonly path: string;
  readonly agent?: string;
}

const surroundings = ({ env, cwd, pid, execPath }: ProcessLike): AroundRun => {
  const { username, homedir } = userInfo();
  return {
    from: cwd,
    user: env.USER ?? env.LOGNAME ?? env.USERNAME ?? username,
    home: env.HOME ?? homedir,
    machine: hostname(),
    pid,
    path: [dirname(execPath), env.PATH ?? '/usr/bin:/bin'].join(delimiter),
    ...(env.SSH_AUTH_SOCK ? { agent: env.SSH_AUTH_SOCK } : {}),
  };
};

const runInit = async ({ cwd, stdout }: ProcessLike): Promise<number> => {
  stdout.write(`${await initConfig(cwd)}\n`);
  return 0;
};

/** A mistake of the user's is its message; anything else is a mistake of ours, with all that helps to find it. */
const tellError = (error: Error, args: Arguments | undefined, { stdout, stderr }: ProcessLike): number => {
  const ours = !(error instanceof UserError);
  const exitCode = ours ? 1 : error.exitCode;
  const message = ours ? `this is a bug in rookery: ${error.message}` : error.message;
  if (args?.format === 'json') {
    const summary = {
      ok: false,
      exitCode,
      application: '',
      stage: args.stage,
      task: args.tasks.join(' '),
      seconds: 0,
      hosts: [],
      error: { message },
    };
    stdout.write(`${JSON.stringify({ type: 'summary', at: new Date().toISOString(), ...summary })}\n`);
  }
  stderr.write(`deploy: ${message}\n`);
  if (ours || args?.trace) stderr.write(`${error.stack}\n`);
  return exitCode;
};
