import { setMaxListeners } from 'node:events';
import { planTask } from '#plan/make-plan.ts';
import type { Summary } from '#protocol/events.ts';
import type { Ask } from '#recipe/setting.ts';
import { takeLock } from '#release/lock.ts';
import { type FleetLock, type Locking, lockFleet, lossOf, unlockFleet } from '#release/lock-fleet.ts';
import { commandMapOf } from '#run/command-map.ts';
import { runPlan } from '#run/run-plan.ts';
import type { Secrets } from '#run/secrets.ts';
import { askSecretly, askUntilRight } from './asking.ts';
import { joinDeployment, type Made } from './deployment.ts';
import { makeEndings } from './endings.ts';
import { localWork } from './local.ts';
import { makePacking } from './packing.ts';
import { prepareRun, type RunRequest } from './prepare-run.ts';
import { reachHosts } from './reach-hosts.ts';
import { type RunEnd, summaryOf } from './summary.ts';

export interface DeployRequest extends RunRequest {
  /** The release that a rollback shall return to. */
  readonly release?: string;
  /** Seconds to wait for a lock that another run holds; undefined: none. */
  readonly waitLock?: number;
  /** Why deploy:lock locks the hosts. */
  readonly message?: string;
  /** Name of this machine and number of this process, for the lock. */
  readonly machine: string;
  readonly pid: number;
  /** Tells what would be done, and changes nothing. */
  readonly dryRun: boolean;
  readonly ask: Ask;
  /** Whether somebody is there to be asked. */
  readonly interactive: boolean;
}

/** What `deploy production` does, in order. Nothing else joins the stages. @throws UserError for what is wrong before anything is done on a host */
export const deploy = async (
  request: DeployRequest,
  { emit, add: secret, mask }: Secrets,
  signal: AbortSignal,
): Promise<Summary> => {
  const begun = performance.now();
  const { dryRun, onlyFailed, user: by } = request;
  const ask = askSecretly(request.ask, secret);
  const endings = makeEndings();
  try {
    const prepared = await prepareRun(request, ask, endings, signal);
    const { config, inventory, recipes, plan, values } = prepared;
    const task = request.tasks.join(' ');
    const hosts = inventory.map(({ name }) => name);
    const made: Made = {};
    const ended = (end: RunEnd): Summary =>
      mask(summaryOf({ config, task, onlyFailed, hosts, begun, made, signal }, end));
    const asked = request.interactive ? ask : undefined;
    const reach = { ...request, config, inventory, ask: asked, emit, endings, signal };
    const reached = reachHosts(reach, prepared.findSource);
    const source = await reached.source;
    const { application, stage } = config;
    emit({ type: 'run-start', application, stage, task, hosts, tasks: plan.tasks.map(({ task: { name } }) => name) });
    if (dryRun) emit({ type: 'notice', level: 'info', message: 'a dry run: nothing is changed on the hosts' });

    const packing = makePacking({ ...request, config, emit, endings, signal });
    // A commit is what it is; a directory may be made or changed by a task before it is packed.
    if (prepared.packs && source?.revision !== undefined) packing.begin(source, inventory.length);
    const { sessions, failures } = await reached.opened();
    // What changes hosts is for all of them, but for those that may fail; a question is answered by those that can be asked.
    const enough = sessions.length > 0 && (failures.length <= prepared.allowed || !plan.locks);
    if (!enough || signal.aborted) return ended({ unreachable: failures });

    const id = `${request.pid}-${Date.now()}`;
    const owner = { by, machine: request.machine, at: new Date().toISOString(), task, id };
    const releasing = sessions.filter(({ host }) => host.noRelease !== true);
    const locking: Locking = { wait: request.waitLock, emit, signal };
    const locks = plan.locks && !dryRun;
    const taking = locks ? lockFleet(releasing, (session, turn) => takeLock(session, owner, turn), locking) : NO_LOCKS;
    if (locks) for (const session of releasing) session.enterShell(); // its channel is asked for after the guard's
    const taken = await taking;
    const loss = lossOf(taken.held);
    loss.addEventListener('abort', () => packing.stop(loss.reason));
    endings.add(() => loss.aborted || unlockFleet(taken.held)); // without our word the hosts tidy up by themselves
    endings.add(() => {
      for (const session of sessions) session.leaveShell();
    });
    if (taken.errors.size > 0) return ended({ locked: taken.errors });

    const stop = AbortSignal.any([signal, loss]);
    setMaxListeners(0, stop);
    const common = { ...prepared, scratch: request.scratch, cache: request.cache, dryRun, emit, signal: stop };
    const deployment = joinDeployment(
      {
        ...{ ...common, source, packing, onlyFailed, locks: taken.held, sessions, locking, owner, by, now: Date.now() },
        ...{ message: request.message ?? '', wanted: request.release, unreachable: failures.map(({ host }) => host) },
      },
      made,
    );
    endings.add(deployment.swarm.stop);
    const outcome = await runPlan({
      ...{ ...common, plan, values, remotes: sessions, settings: config, deployment, ask, secret },
      layOut: (name) => planTask(recipes, inventory, name),
      knownRoles: config.roles,
      commands: commandMapOf(recipes),
      local: localWork({ ...common, directory: config.directory, localPath: prepared.toLocal }),
      ...(request.interactive ? { sudoPassword: askUntilRight(ask, 'Password for sudo on the hosts') } : {}),
      allowed: prepared.allowed - failures.length,
      interrupt: () => {
        for (const session of sessions) session.interrupt();
      },
    });
    return ended({ outcome, unreachable: failures });
  } finally {
    await endings.run();
  }
};

const NO_LOCKS: FleetLock = { held: [], errors: new Map() };
