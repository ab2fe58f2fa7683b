import { setMaxListeners } from 'node:events';
import { resolveSource } from '#artifact/resolve-source.ts';
import { type ConfigRequest, loadConfig } from '#config/load-config.ts';
import { localPath } from '#config/resolve-config.ts';
import type { Source } from '#config/written-config.ts';
import { type Selection, selectHosts } from '#inventory/select-hosts.ts';
import { makePlan, planTask, withUsed } from '#plan/make-plan.ts';
import type { Emit, Summary } from '#protocol/events.ts';
import type { Recipe } from '#recipe/recipe.ts';
import type { Ask } from '#recipe/setting.ts';
import { takeLock } from '#release/lock.ts';
import { type FleetLock, type Locking, lockFleet, lossOf, unlockFleet } from '#release/lock-fleet.ts';
import { allowedFailures } from '#run/allowed-failures.ts';
import { commandMapOf } from '#run/command-map.ts';
import { runPlan } from '#run/run-plan.ts';
import { keepSecrets } from '#run/secrets.ts';
import { openSettings } from '#run/setting-values.ts';
import { openSessions } from '#ssh/open-sessions.ts';
import { joinDeployment, type Made } from './deployment.ts';
import { type DistributionRequest, findContent } from './distribution.ts';
import { makeEndings } from './endings.ts';
import { openFleet } from './fleet.ts';
import { localWork } from './local.ts';
import { type RunEnd, type RunFacts, summaryOf } from './summary.ts';

export interface DeployRequest extends ConfigRequest {
  readonly tasks: readonly string[];
  readonly selection: Selection;
  /** The recipes that every project has; those of the configuration come after them. */
  readonly recipes: readonly Recipe[];
  /** What goes to the hosts without a release. */
  readonly distribution?: DistributionRequest;
  /** The release that a rollback shall return to. */
  readonly release?: string;
  /** Finish the last run on the hosts where it did not. */
  readonly onlyFailed: boolean;
  /** Seconds to wait for a lock that another run holds; undefined: none. */
  readonly waitLock?: number;
  /** Why deploy:lock locks the hosts. */
  readonly message?: string;
  /** Socket of the user's SSH agent. */
  readonly agent?: string;
  /** Name of this machine and number of this process, for the lock. */
  readonly machine: string;
  readonly pid: number;
  /** Tells what would be done, and changes nothing. */
  readonly dryRun: boolean;
  readonly onFailure?: 'stop' | 'continue';
  readonly maxFailures?: string;
  readonly ask: Ask;
  /** Whether somebody is there to be asked. */
  readonly interactive: boolean;
  /** A temporary directory for the run; the caller removes it. */
  readonly scratch: string;
  /** PATH for the commands of embedded hosts. */
  readonly path: string;
}

/** What `deploy production` does, in order. Nothing else joins the stages. @throws UserError for what is wrong before any host is touched */
export const deploy = async (request: DeployRequest, tell: Emit, signal: AbortSignal): Promise<Summary> => {
  const { emit, add: secret, mask } = keepSecrets(tell);
  const ask: Ask = async (question, options) => {
    const answer = await request.ask(question, options);
    return options?.hidden ? secret(answer) : answer;
  };
  const begun = performance.now();
  const task = request.tasks.join(' ');
  const endings = makeEndings();
  try {
    const config = await loadConfig(request);
    const fleet = await openFleet(config, request);
    endings.add(fleet.close);
    const inventory = selectHosts(fleet.inventory, request.selection);
    const recipes = withUsed([...request.recipes, ...config.recipes]);
    const plan = makePlan(recipes, inventory, request.tasks, config.roles);
    const values = openSettings(recipes, config.set, ask);
    const policy = { ...config.failurePolicy, ...policyOf(request) };
    const allowed = allowedFailures(policy, inventory.length);

    const toLocal = (path: string) => localPath(path, { home: request.home, directory: config.directory });
    const resolve = (source: Source) => resolveSource({ ...config, ...request, source, localPath: toLocal, signal });
    const content = request.distribution && (await findContent(request.distribution));
    // What finishes a run deploys what the hosts serve: that is known once they were looked at.
    const late = request.onlyFailed || content !== undefined;
    const needsSource = !late && plan.tasks.some((planned) => planned.task.needsSource);
    const source = needsSource ? await resolve(config.source) : content;

    const hosts = inventory.map(({ name }) => name);
    const made: Made = {};
    const { onlyFailed } = request;
    const facts: RunFacts = { config, task, onlyFailed, hosts, begun, made, signal };
    const ended = (end: RunEnd): Summary => mask(summaryOf(facts, end));
    emit({
      type: 'run-start',
      application: config.application,
      stage: config.stage,
      task,
      hosts,
      tasks: plan.tasks.map((planned) => planned.task.name),
    });

    if (request.dryRun) emit({ type: 'notice', level: 'info', message: 'a dry run: nothing is changed on the hosts' });

    const { sessions, failures, close } = await openSessions(inventory, emit, signal);
    endings.add(close);
    // What changes hosts is for all of them; a question is answered by those that can be asked.
    const enough = sessions.length > 0 && (failures.length <= allowed || !plan.locks);
    if (!enough || signal.aborted) return ended({ unreachable: failures });

    const owner = {
      by: request.user,
      machine: request.machine,
      at: new Date().toISOString(),
      task,
      id: `${request.pid}-${Date.now()}`,
    };
    const releasing = sessions.filter(({ host }) => host.noRelease !== true);
    const locking: Locking = { wait: request.waitLock, emit, signal };
    const { held, errors } =
      plan.locks && !request.dryRun
        ? await lockFleet(releasing, (session) => takeLock(session, owner), locking)
        : NO_LOCKS;
    const loss = lossOf(held);
    endings.add(() => loss.aborted || unlockFleet(held)); // without our word the hosts tidy up by themselves
    if (errors.size > 0) return ended({ locked: errors });

    const stop = AbortSignal.any([signal, loss]);
    setMaxListeners(0, stop);
    const deployment = joinDeployment(
      {
        config,
        ...{ source, content, resolve, onlyFailed },
        locks: held,
        sessions,
        dryRun: request.dryRun,
        locking,
        unreachable: failures.map(({ host }) => host),
        owner,
        message: request.message ?? '',
        scratch: request.scratch,
        by: request.user,
        wanted: request.release,
        now: Date.now(),
        emit,
        signal: stop,
      },
      made,
    );
    endings.add(deployment.swarm.stop);
    const interrupt = () => {
      for (const session of sessions) session.interrupt();
    };
    const outcome = await runPlan({
      plan,
      layOut: (name) => planTask(recipes, inventory, name),
      remotes: sessions,
      knownRoles: config.roles,
      settings: config,
      values,
      commands: commandMapOf(recipes),
      deployment,
      local: localWork({ ...config, ...request, localPath: toLocal, emit, signal: stop }),
      ask,
      ...(request.interactive ? { sudoPassword: askOnce(ask) } : {}),
      secret,
      allowed: allowed - failures.length,
      dryRun: request.dryRun,
      emit,
      signal: stop,
      interrupt,
    });
    return ended({ outcome, unreachable: failures });
  } finally {
    await endings.run();
  }
};

const NO_LOCKS: FleetLock = { held: [], errors: new Map() };

const policyOf = ({ onFailure, maxFailures }: DeployRequest) => ({
  ...(onFailure === undefined ? {} : { onFailure }),
  ...(maxFailures === undefined ? {} : { maxFailures }),
});

/** One password for the whole fleet, asked for when the first sudo wants it. */
const askOnce = (ask: Ask): (() => Promise<string>) => {
  let answer: Promise<string> | undefined;
  return () => {
    answer ??= ask('Password for sudo on the hosts', { hidden: true });
    return answer;
  };
};
