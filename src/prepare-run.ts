import type { ResolvedSource } from '#artifact/artifact.ts';
import { resolveSource } from '#artifact/resolve-source.ts';
import type { Config } from '#config/config.ts';
import { type ConfigRequest, loadConfig } from '#config/load-config.ts';
import { localPath } from '#config/resolve-config.ts';
import type { Source } from '#config/written-config.ts';
import type { Inventory } from '#inventory/host.ts';
import { type Selection, selectHosts } from '#inventory/select-hosts.ts';
import { makePlan, type Plan, withUsed } from '#plan/make-plan.ts';
import type { PlacedContent } from '#recipe/placed-content.ts';
import type { Recipe } from '#recipe/recipe.ts';
import type { Ask } from '#recipe/setting.ts';
import { allowedFailures } from '#run/allowed-failures.ts';
import { openSettings, type SettingValues } from '#run/setting-values.ts';
import { type DistributionRequest, findContent } from './distribution.ts';
import type { Endings } from './endings.ts';
import { type FleetSurroundings, openFleet } from './fleet.ts';

/** What was asked for on the command line, and by whom and where. */
export interface RunRequest extends ConfigRequest, FleetSurroundings {
  readonly tasks: readonly string[];
  readonly selection: Selection;
  /** The recipes that every project has; those of the configuration come after them. */
  readonly recipes: readonly Recipe[];
  /** What goes to the hosts without a release. */
  readonly distribution?: DistributionRequest;
  /** Finish the last run on the hosts where it did not. */
  readonly onlyFailed: boolean;
  readonly onFailure?: 'stop' | 'continue';
  readonly maxFailures?: string;
  /** A temporary directory for the run; the caller removes it. */
  readonly scratch: string;
  /** Where this user's programs keep what they can make again. */
  readonly cache: string;
}

/** Everything that is known before any host is touched. */
export interface PreparedRun {
  readonly config: Config;
  readonly inventory: Inventory;
  readonly recipes: readonly Recipe[];
  readonly plan: Plan;
  readonly values: SettingValues;
  /** How many hosts may fail while the run goes on without them. */
  readonly allowed: number;
  /** The content that goes to a path of the user's. */
  readonly content: PlacedContent | undefined;
  /**
   * Looks up what is deployed, where that can be known before the hosts are: a task needs it, or it is the content. Git takes its
   * time; whether there is a directory or an archive is known by now. @throws UserError, exit code 2
   */
  readonly findSource: () => Promise<ResolvedSource | undefined>;
  /** Whether a task needs all of that source, and not its revision alone. */
  readonly packs: boolean;
  /** Looks up a source that depends on what the hosts serve. */
  readonly resolve: (source: Source) => Promise<ResolvedSource>;
  /** A path on this machine, as written in the configuration. */
  readonly toLocal: (path: string) => string;
}

/** Configuration, hosts, plan, settings: in this order, each from the ones before. @throws UserError, exit code 2 */
export const prepareRun = async (
  request: RunRequest,
  ask: Ask,
  endings: Endings,
  signal: AbortSignal,
): Promise<PreparedRun> => {
  const config = await loadConfig(request);
  const fleet = await openFleet(config, request);
  endings.add(fleet.close);
  const inventory = selectHosts(fleet.inventory, request.selection);
  const recipes = withUsed([...request.recipes, ...config.recipes]);
  const plan = makePlan(recipes, inventory, withNetwork(request.tasks), config.roles);
  const values = openSettings(recipes, config.set, ask);
  const allowed = allowedFailures({ ...config.failurePolicy, ...policyOf(request) }, inventory.length);

  const toLocal = (path: string) => localPath(path, { home: request.home, directory: config.directory });
  const resolve = (source: Source) => resolveSource({ ...config, ...request, source, localPath: toLocal, signal });
  const content = request.distribution && (await findContent(request.distribution));
  // What finishes a run deploys what the hosts serve: that is known once they were looked at.
  const later = request.onlyFailed || content !== undefined;
  const needs = later ? [] : plan.tasks.map(({ task }) => task.needsSource);
  const packs = needs.includes(true);
  const find = async () => {
    const source = needs.some(Boolean) ? await resolve(config.source) : content;
    if (packs) await source?.prepare?.();
    return source;
  };
  const atOnce = config.source.kind === 'git' ? undefined : await find();
  const findSource = async () => atOnce ?? find();
  return { config, inventory, recipes, plan, values, allowed, content, findSource, packs, resolve, toLocal };
};

/** Who asks whether hosts are ready wants to know of their network, too; a deploy finds out by itself. */
const withNetwork = (tasks: readonly string[]): readonly string[] =>
  tasks.includes('deploy:check') && !tasks.includes('deploy') ? [...tasks, 'swarm:check'] : tasks;

const policyOf = ({ onFailure, maxFailures }: RunRequest) => ({
  ...(onFailure === undefined ? {} : { onFailure }),
  ...(maxFailures === undefined ? {} : { maxFailures }),
});
