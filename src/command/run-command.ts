import { setMaxListeners } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type DeployRequest, deploy } from '#deploy.ts';
import type { DeployFact } from '#protocol/events.ts';
import { UserError } from '#recipe/user-error.ts';
import { openReport } from '#report/report.ts';
import { type Chosen, nextLine } from '#report/summary.ts';
import { Stray } from '#run/outcome.ts';
import { keepSecrets } from '#run/secrets.ts';
import { isClaimed } from '#run/unfinished.ts';
import { standardRecipes } from '#standard-recipes.ts';
import { stoppedBy } from '#summary.ts';
import { type Arguments, optional } from './arguments.ts';
import { isInteractive, makeAsk, type Terminal } from './ask.ts';
import { endWithout } from './end-without.ts';
import type { AroundRun, ProcessLike } from './surroundings.ts';

/** Runs tasks on the hosts of a stage and reports as it goes. Resolves to the exit code. */
export const runCommand = async (args: Arguments, around: AroundRun, proc: ProcessLike): Promise<number> => {
  const report = openReport({
    format: args.format ?? (proc.stdout.isTTY ? 'tty' : 'plain'),
    verbosity: args.verbosity,
    color:
      args.color &&
      proc.env.NO_COLOR === undefined &&
      (proc.stdout.isTTY === true || proc.env.FORCE_COLOR !== undefined),
    chosen: chosenBy(args),
    out: proc.stdout,
    err: proc.stderr,
    columns: () => proc.stdout.columns ?? 100,
    rows: () => proc.stdout.rows ?? 30,
    now: () => performance.now(),
  });
  let working = false;
  const secrets = keepSecrets((fact: DeployFact) => {
    const { type, ...rest } = fact;
    working ||= type === 'task-start' && !args.dryRun;
    report.emit({ type, at: new Date().toISOString(), ...rest } as Parameters<typeof report.emit>[0]);
  });
  const { emit } = secrets;
  const begun = performance.now();
  const interrupted = new AbortController();
  setMaxListeners(0, interrupted.signal); // every connection waits for it
  const scratch = await mkdtemp(join(tmpdir(), 'rookery-'));
  let since: number | undefined;
  let stray: Stray | undefined;
  const interrupt = (name: string) => {
    if (since !== undefined) {
      emit({ type: 'summary', ...endWithout(130, lastWords(args, working), args, (performance.now() - begun) / 1000) });
      void report.close();
      setTimeout(() => endNow(), since + SENDING_MS - performance.now());
      return;
    }
    since = performance.now();
    emit({ type: 'notice', level: 'warning', message: `${name}: stopping and tidying up; once more ends at once` });
    interrupted.abort();
  };
  const endNow = () => {
    rmSync(scratch, { recursive: true, force: true });
    proc.endNow(130);
  };
  proc.onSignal(interrupt);
  proc.onStray((thrown, promise) => {
    if (isClaimed(promise, thrown)) return;
    const found = new Stray(thrown);
    stray ??= found;
    emit({ type: 'notice', level: 'warning', message: `${found.message} Stopping and tidying up` });
    interrupted.abort();
  });
  const terminal: Terminal = {
    stdin: proc.stdin,
    out: proc.stderr,
    yes: args.yes,
    suspend: report.suspend,
    interrupt: () => interrupt('Ctrl-C'),
    signal: interrupted.signal,
  };
  try {
    const told = await deploy(await makeRequest(args, around, terminal, scratch), secrets, interrupted.signal);
    const summary = stray ? stoppedBy(stray, told) : told;
    emit({ type: 'summary', ...summary });
    return summary.exitCode;
  } catch (error) {
    throw stray ? new UserError(secrets.mask(stray.message)) : error;
  } finally {
    await report.close();
    await rm(scratch, { recursive: true, force: true });
  }
};

const chosenBy = ({ config, roles, limit, hosts = [] }: Arguments): Chosen => ({
  options: Object.entries({ config, roles: roles?.join(',') }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, value],
  ),
  ...{ hosts, ...optional('limit', limit) },
});

/** Of a run that ends at once, while others may still tidy up. */
const lastWords = (args: Arguments, working: boolean): string =>
  working
    ? `What each host serves now: ${nextLine(args.stage, 'releases', chosenBy(args))}`
    : 'no task had begun to change anything';

/** What the first interrupt says to the hosts is on its way after so long: a second one does not cut it off. */
const SENDING_MS = 2000;

const makeRequest = async (
  args: Arguments,
  around: AroundRun,
  terminal: Terminal,
  scratch: string,
): Promise<DeployRequest> => ({
  ...around,
  dryRun: args.dryRun,
  ...optional('onFailure', args.onFailure),
  ...optional('maxFailures', args.maxFailures),
  ask: makeAsk(terminal),
  interactive: isInteractive(terminal),
  scratch,
  ...optional('file', args.config),
  stage: args.stage,
  tasks: args.tasks,
  settings: args.settings,
  ...optional('ref', args.ref),
  ...optional('release', args.release),
  onlyFailed: args.onlyFailed,
  ...(args.distribution && {
    distribution: { ...args.distribution, path: resolve(around.from, args.distribution.path) },
  }),
  ...optional('waitLock', args.waitLock),
  ...optional('message', args.message),
  selection: {
    ...optional('roles', args.roles),
    ...optional('hosts', args.hosts),
    ...optional('limit', args.limit),
  },
  recipes: await standardRecipes(args.remoteCommand),
});
