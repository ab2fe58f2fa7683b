import type { HostStatus, HostSummary, Summary } from '#protocol/events.ts';
import { quote } from '#protocol/shell.ts';
import { formatCount } from '#recipe/format-count.ts';
import { formatFailures } from './failure.ts';
import { createPaint, type Paint } from './paint.ts';
import { oneLine, printableLines } from './printable.ts';
import { wrap } from './text.ts';
import { formatBytes, formatSeconds, plural } from './units.ts';

interface Layout {
  readonly columns: number;
  readonly prose?: number;
  readonly color: boolean;
  readonly chosen?: Chosen | undefined;
}

/** What was said on the command line of the configuration and of the hosts: `--config other.ts`; patterns of hosts. */
export interface Chosen {
  readonly options: readonly string[];
  readonly hosts: readonly string[];
  readonly limit?: string | undefined;
}

const EVERYTHING: Chosen = { options: [], hosts: [] };

/** The end of a run for a reader: the verdict, the swarm's figures; after failures also their table, the state of the fleet and what to do next. Sentences are broken at `prose` columns. */
export const formatSummary = (
  told: Summary,
  { columns, prose = columns, color, chosen = EVERYTHING }: Layout,
): { failures: string[]; verdict: string[] } => {
  const summary = {
    ...told,
    application: oneLine(told.application),
    stage: oneLine(told.stage),
    task: oneLine(told.task),
  };
  const paint = createPaint(color);
  const failed = summary.hosts.filter(({ error }) => error !== undefined && !isEcho(summary, error.code));
  const table = failed.length > 0 ? formatFailures(failed, { columns, color }) : [];
  const cause = summary.error ? printableLines(summary.error.message).flatMap((line) => wrap(line, prose - 3)) : [];
  const failures = [
    ...table,
    ...(table.length > 0 && cause.length > 0 ? [''] : []),
    ...cause.map((line) => `  ${line}`),
  ];
  const more = [...figures(summary), ...state(summary), ...advice(summary, failed, chosen)];
  return {
    failures,
    verdict: [
      ...drawHeadline(summary, prose, paint),
      ...more.flatMap((line) => wrap(line, prose - 3).map((part) => paint.dim(`  ${part}`))),
    ],
  };
};

/** What a run sets out to do: `Deploy shop to production`, `deploy:rollback of shop on production`. */
export const nameRun = ({ application, stage, task }: { application: string; stage: string; task: string }): string =>
  oneLine(task === 'deploy' ? `Deploy ${application} to ${stage}` : `${task} of ${application} on ${stage}`);

/** The verdict in one line, broken where it has to be. */
const drawHeadline = (summary: Summary, columns: number, paint: Paint): string[] => {
  const { mark, text } = judge(summary);
  const tone = mark === '✖' ? paint.red : paint.yellow;
  const lines = wrap(text, columns - 3);
  if (mark === '✔') return lines.map((line, index) => `${index === 0 ? paint.green(mark) : ' '} ${line}`);
  return lines.map((line, index) => tone(`${index === 0 ? mark : ' '} ${line}`));
};

const judge = (summary: Summary): { mark: '✔' | '✖' | '▲' | '■'; text: string } => {
  const { ok, exitCode } = summary;
  const time = formatSeconds(summary.seconds);
  const failed = withStatus(summary, 'failed').length;
  if (exitCode === 130) return { mark: '■', text: `Interrupted after ${time}: ${undone(summary)}` };
  if (ok && failed === 0) return { mark: '✔', text: `${achievement(summary)} in ${time}` };
  if (!ok && exitCode !== 3) return { mark: '✖', text: `${undertaking(summary)} failed after ${time}` };
  return { mark: '▲', text: `${achievement(summary)} in ${time}, but ${plural(failed, 'host')} failed` };
};

const achievement = (summary: Summary): string => {
  const { application, task, release, hosts } = summary;
  const good = hosts.filter(({ status }) => status !== 'failed' && status !== 'skipped');
  const on = `on ${plural(good.length, 'host')}`;
  const published = withStatus(summary, 'published').length;
  switch (task) {
    case 'deploy':
      if (published > 0) return `${named(summary)} published on ${plural(published, 'host')}`;
      return summary.onlyFailed
        ? `${named(summary)} is served by ${plural(good.length, 'host')} already: nothing to finish`
        : `${named(summary)} done ${on} (nothing published)`;
    case 'deploy:rollback':
      return `${application} rolled back${release ? ` to ${release}` : ''} ${on}`;
    case 'deploy:check':
      return `${application}: ${plural(good.length, 'host')} checked and found ready`;
    case 'deploy:cleanup':
      return `${application}: old releases cleaned up ${on}`;
    case 'deploy:lock':
      return `${application}: locked ${on}`;
    case 'deploy:unlock':
      return `${application}: unlocked ${on}`;
    default:
      return `${task} done ${on}`;
  }
};

const undertaking = ({ application, stage, task }: Summary): string =>
  task === 'deploy' ? `Deploy of ${application} to ${stage}` : `${task} of ${application} on ${stage}`;

const named = ({ application, release, revision }: Summary): string =>
  [application, release, revision && `(${/^[\da-f]{40,}$/.test(revision) ? revision.slice(0, 7) : revision})`]
    .filter(Boolean)
    .join(' ');

const figures = ({ artifact, swarm, ok }: Summary): string[] => {
  if (!artifact || !ok) return [];
  const parts = [`${formatBytes(artifact.bytes)}, ${plural(artifact.files, 'file')}`];
  if (swarm) parts.push(`distributed in ${formatSeconds(swarm.seconds)}`);
  if (swarm && artifact.bytes > 0) {
    parts.push(`the deployer sent ${(swarm.seederUploaded / artifact.bytes).toFixed(2)} copies`);
  }
  return [parts.join('; ')];
};

const STATES: readonly (readonly [HostStatus, (summary: Summary) => string])[] = [
  ['published', ({ release }) => (release ? `serve ${release}` : 'done')],
  ['reverted', () => 'switched back to the release before'],
  ['unchanged', () => 'unchanged'],
  ['skipped', () => 'untouched'],
  ['failed', () => 'failed'],
];

/** One line on what the fleet serves now; none after a success. */
const state = (summary: Summary): string[] => {
  const failed = withStatus(summary, 'failed').length;
  if (summary.ok && failed === 0) return [];
  if (summary.exitCode === 4) return ['Nothing was changed on any host'];
  if (summary.exitCode === 5)
    return [`Nothing was changed: no way into ${formatCount(failed)} of ${plural(summary.hosts.length, 'host')}`];
  const counts = STATES.map(([status, words]) => ({
    count: withStatus(summary, status).length,
    words: words(summary),
  }));
  const parts = counts.filter(({ count }) => count > 0).map(({ count, words }) => `${formatCount(count)} ${words}`);
  if (parts.length === 0) return [];
  const left = summary.hosts.filter(({ notReverted }) => notReverted).map(({ host }) => oneLine(host));
  const none =
    summary.task === 'deploy' &&
    !summary.onlyFailed &&
    withStatus(summary, 'published').length === 0 &&
    left.length === 0;
  const start = none ? 'No host serves the new release' : 'The fleet now';
  return [
    `${start}: ${parts.join(', ')} (of ${plural(summary.hosts.length, 'host')})`,
    ...(left.length > 0 ? [`Not switched back, and may serve ${summary.release}: ${left.join(', ')}`] : []),
  ];
};

const undone = (summary: Summary): string => {
  if (summary.error) return 'ended at once';
  const published = withStatus(summary, 'published').length;
  const reverted = withStatus(summary, 'reverted').length;
  if (published > 0) return `${plural(published, 'host')} already served ${summary.release ?? 'the new release'}`;
  if (reverted > 0) return `${plural(reverted, 'host')} switched back to the release before`;
  return summary.task === 'deploy'
    ? `nothing was published${summary.release ? ', the unfinished release is removed' : ''}`
    : `${summary.task} was stopped`;
};

/** What to type next. */
const advice = (summary: Summary, failed: readonly HostSummary[], chosen: Chosen): string[] => {
  const { exitCode, stage } = summary;
  const task = summary.task === 'deploy' ? '' : summary.task;
  const line = (words: string, some: Partial<Chosen> = chosen) => nextLine(stage, words, { ...chosen, ...some });
  const these = (hosts: readonly string[]) => ({ hosts, limit: undefined });
  const names = failed.map(({ host }) => oneLine(host));
  const others = summary.hosts.map(({ host }) => oneLine(host)).filter((name) => !names.includes(name));
  if (exitCode === 4) return [`If nobody works there any more, remove the lock: ${line('deploy:unlock')}`];
  if (exitCode === 5) {
    const limited = chosen.limit !== undefined; // without them the limit would take in others
    if (others.length === 0 || (limited ? others : names).length > 10) return [];
    const without = [...chosen.hosts, ...names.map((name) => `!${name}`)];
    return [`Without them: ${line(task, these(limited ? others : without))}`];
  }
  if (exitCode === 3 && names.length > 0) {
    if (task === '' && withStatus(summary, 'failed').length > 0)
      return [`Once they are mended: ${line('--only-failed')}`];
    return [`Once they are mended: ${names.length <= 10 ? line(task, these(names)) : line(task)}`];
  }
  if (failed.some(({ error }) => error?.code === 'disk-full')) return [`To make room: ${line('deploy:cleanup')}`];
  return [];
};

/** A command line with the same choice of the configuration and of the hosts. */
export const nextLine = (stage: string, words: string, { options, hosts, limit }: Chosen): string => {
  const some = hosts.length > 0 ? ['--hosts', quote(hosts.join(','))] : [];
  const first = limit === undefined ? [] : ['--limit', quote(limit)];
  return ['deploy', stage, words, ...options.map(quote), ...some, ...first].filter((word) => word !== '').join(' ');
};

const withStatus = (summary: Summary, status: HostStatus): HostSummary[] =>
  summary.hosts.filter((host) => host.status === status);

/** After an interrupt, or what else ended the run, every host "failed" by it: that says nothing new. */
const isEcho = ({ exitCode, error }: Summary, code: string): boolean =>
  code === 'interrupted' && (exitCode === 130 || error !== undefined);
