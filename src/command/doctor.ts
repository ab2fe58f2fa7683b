import { createRequire } from 'node:module';
import { loadConfig, loadWrittenConfig } from '#config/load-config.ts';
import { plannedInventory } from '#fleet.ts';
import type { Inventory, SshSetting, Target } from '#inventory/host.ts';
import { selectHosts } from '#inventory/select-hosts.ts';
import { formatTable } from '#report/table.ts';
import { sshVersion } from '#ssh/openssh/program.ts';
import { wayTo } from '#ssh/where.ts';
import { type Arguments, optional } from './arguments.ts';
import { runCommand } from './run-command.ts';
import type { AroundRun, ProcessLike } from './surroundings.ts';
import { tellJson } from './tell-json.ts';

/**
 * `deploy doctor [stage]`: what a person needs to mend a connection. First what is known without one: this machine, and for
 * each host of the stage how it is logged in to, every setting with its origin; then the hosts are tried.
 */
export const doctor = async (args: Arguments, around: AroundRun, proc: ProcessLike): Promise<number> => {
  const show = args.format === 'json' ? jsonLines(proc) : textLines(proc);
  const { file, written } = await loadWrittenConfig({ ...around, ...optional('file', args.config) });
  show.machine([...describeMachine(proc, around), ['configuration', file]]);
  if (args.stage === '') {
    show.machine([
      ['stages', `${Object.keys(written.stages ?? {}).join(', ')}: deploy doctor <stage> tries its hosts`],
    ]);
    return 0;
  }
  const { config: named, stage, settings } = args;
  const config = await loadConfig({ ...around, stage, settings, ...optional('file', named) });
  const inventory = selectHosts(await plannedInventory(config, around), args);
  if (config.ssh.transport === 'openssh')
    show.machine([['ssh', `${await sshVersion()} reads ssh_config by itself (ssh.transport)`]]);
  for (const { hosts, way } of groupByWay(inventory)) show.login(hosts, way);
  return runCommand(args, around, proc);
};

type Row = [name: string, value: string];

const describeMachine = ({ execPath, nodeVersion }: ProcessLike, { user, machine, env }: AroundRun): Row[] => {
  const { version } = createRequire(import.meta.url)('rookery/package.json') as { version: string };
  return [
    ['rookery', version],
    ['node', `${nodeVersion} (${execPath})`],
    ['here', `${user} at ${machine}`],
    ['agent', env.SSH_AUTH_SOCK || 'none: SSH_AUTH_SOCK is not set'],
  ];
};

/** Hosts that are logged in to in the same way, but for their names: a fleet is told in a few tables. */
const groupByWay = (inventory: Inventory): { hosts: string[]; way: readonly Target[] }[] => {
  const groups = new Map<string, { hosts: string[]; way: readonly Target[] }>();
  for (const host of inventory) {
    const way = wayTo(host);
    const key = JSON.stringify(way.map(({ ssh }) => [settingsBut(ssh.settings, 'HostName'), ssh.unsupported]));
    const group = groups.get(key) ?? { hosts: [], way };
    group.hosts.push(host.address === host.name ? host.name : `${host.name} (${host.address})`);
    groups.set(key, group);
  }
  return [...groups.values()];
};

const settingsBut = (settings: readonly SshSetting[], name: string) => settings.filter((one) => one.name !== name);

const textLines = ({ stdout }: ProcessLike) => {
  const table = (rows: readonly (readonly string[])[]) =>
    stdout.write(`${formatTable(rows, { columns: stdout.columns ?? Number.POSITIVE_INFINITY, color: false })}\n`);
  return {
    machine: table,
    login: (hosts: readonly string[], way: readonly Target[]): void => {
      stdout.write(`\nSSH to ${hosts.join(', ')}\n`);
      for (const { name, ssh } of way) {
        if (name !== way.at(-1)?.name) stdout.write(`  by way of ${name}\n`);
        table(settingsBut(ssh.settings, 'HostName').map((one) => [`  ${one.name}`, one.value, one.from]));
        if (ssh.unsupported.length > 0)
          table(ssh.unsupported.map((one) => [`  ${one.name}`, one.value, `${one.from}: not supported, passed over`]));
      }
      stdout.write('\n');
    },
  };
};

const jsonLines = ({ stdout }: ProcessLike) => {
  const tell = (type: string, fields: object) => tellJson(stdout, type, fields);
  return {
    machine: (rows: readonly Row[]) => tell('machine', Object.fromEntries(rows)),
    login: (hosts: readonly string[], way: readonly Target[]) =>
      tell('login', {
        hosts,
        way: way.map(({ name, ssh }) => ({ name, settings: ssh.settings, unsupported: ssh.unsupported })),
      }),
  };
};
