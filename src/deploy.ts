import { resolveSource } from '#artifact/resolve-source.ts';
import { type ConfigRequest, loadConfig } from '#config/load-config.ts';
import { localPath } from '#config/resolve-config.ts';
import { type Selection, selectHosts } from '#inventory/select-hosts.ts';
import { makePlan } from '#plan/make-plan.ts';
import type { Emit, Summary } from '#protocol/events.ts';
import type { Recipe } from '#recipe/recipe.ts';
import { lockFleet, unlockFleet } from '#release/lock-fleet.ts';
import { runPlan } from '#run/run-plan.ts';
import { openSessions } from '#ssh/open-sessions.ts';
import { joinDeployment, type Made } from './deployment.ts';
import { type DistributionRequest, findContent } from './distribution.ts';
import { makeEndings } from './endings.ts';
import { openFleet } from './fleet.ts';
import { type RunFacts, summaryOf } from './summary.ts';

export interface DeployRequest extends ConfigRequest {
  readonly tasks: readonly string[];
  readonly selection: Selection;
  /** The recipes that every project has; those of the configuration come after them. */
  readonly recipes: readonly Recipe[];
  /** What goes to the hosts without a release. */
  readonly distribution?: DistributionRequest;
  /** The release that a rollback shall return to. */
  readonly release?: string;
  /** Socket of the user's SSH agent. */
  readonly agent?: string;
  /** Name of this machine and number of this process, for the lock. */
  readonly machine: string;
  readonly pid: number;
  /** A temporary directory for the run; the caller removes it. */
  readonly scratch: string;
  /** PATH for the commands of embedded hosts. */
  readonly path: string;
}

/** What `deploy production` does, in order. Nothing else joins the stages. @throws UserError for what is wrong before any host is touched */
export const deploy = async (request: DeployRequest, emit: Emit, signal: AbortSignal): Promise<Summary> => {
  const begun = performance.now();
  const task = request.tasks.join(' ');
  const endings = makeEndings();
  try {
    const config = await loadConfig(request);
    const fleet = await openFleet(config, request);
    endings.add(fleet.close);
    const inventory = selectHosts(fleet.inventory, request.selection);
    const plan = makePlan([...request.recipes, ...config.recipes], inventory, request.tasks);

    const toLocal = (path: string) => localPath(path, { home: request.home, directory: config.directory });
    const content = request.distribution && (await findContent(request.distribution));
    const needsSource = !content && plan.tasks.some((planned) => planned.task.needsSource);
    const source = needsSource ? await resolveSource({ ...config, ...request, localPath: toLocal, signal }) : content;

    const hosts = inventory.map(({ name }) => name);
    const made: Made = {};
    const facts: RunFacts = { config, task, hosts, begun, made, signal };
    emit({
      type: 'run-start',
      application: config.application,
      stage: config.stage,
      task,
      hosts,
      tasks: plan.tasks.map((planned) => planned.task.name),
    });

    const { sessions, failures, close } = await openSessions(inventory, emit, signal);
    endings.add(close);
    // What changes hosts is for all of them; a question is answered by those that can be asked.
    const enough = failures.length === 0 || (!plan.locks && sessions.length > 0);
    if (!enough || signal.aborted) return summaryOf(facts, { unreachable: failures });

    const owner = {
      by: request.user,
      machine: request.machine,
      at: new Date().toISOString(),
      task,
      id: `${request.pid}-${Date.now()}`,
    };
    const { held, errors } = plan.locks ? await lockFleet(sessions, owner) : { held: [], errors: new Map() };
    endings.add(() => unlockFleet(held));
    if (errors.size > 0) return summaryOf(facts, { locked: errors });

    const deployment = joinDeployment(
      {
        config,
        ...{ source, content },
        locks: held,
        scratch: request.scratch,
        by: request.user,
        wanted: request.release,
        now: Date.now(),
        emit,
        signal,
      },
      made,
    );
    endings.add(deployment.swarm.stop);
    const interrupt = () => {
      for (const session of sessions) session.interrupt();
    };
    const outcome = await runPlan({ plan, remotes: sessions, settings: config, deployment, emit, signal, interrupt });
    return summaryOf(facts, { outcome, unreachable: failures });
  } finally {
    await endings.run();
  }
};
