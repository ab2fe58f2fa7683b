/**
 * Whole deploys to the same hosts in networks of several kinds, friendly and not: what leaves the deployer, and how long the bytes take.
 * Every kind is deployed to a few times, with new content each time, after one that is not counted.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  behindBastion,
  closePorts,
  NETWORK_TOOLS,
  type NetworkFleet,
  startNetworkFleet,
  translate,
} from '../../support/network-fleet.ts';
import { type Deployed, makeProject, type Project } from '../../support/project.ts';
import { findTool } from '../../support/tools.ts';
import { type Bench, positive, say } from '../command-line.ts';
import { describeMachine } from '../machine.ts';
import { median } from '../statistics.ts';
import { table } from '../table.ts';

interface Kind {
  readonly title: string;
  readonly family?: 6;
  /** Puts up what is in the way; resolves to what the configuration has to say of it. */
  readonly setUp: (fleet: NetworkFleet) => Promise<Record<string, unknown>>;
}

const KINDS: readonly Kind[] = [
  { title: 'nothing in the way', setUp: async () => ({}) },
  {
    title: 'deployer behind NAT',
    setUp: async (fleet) => {
      await fleet.firewall('deployer', closePorts('input') + translate(fleet));
      return {};
    },
  },
  {
    title: 'deployer behind a firewall',
    setUp: async (fleet) => {
      await fleet.firewall('deployer', closePorts('input'));
      return {};
    },
  },
  {
    title: 'one host of them without open ports, in or out',
    setUp: async (fleet) => {
      await fleet.firewall(fleet.hosts[2]!, closePorts('both'));
      return {};
    },
  },
  {
    title: 'all but the first behind it as a bastion',
    setUp: async (fleet) => {
      const [bastion, ...inner] = fleet.hosts;
      for (const host of inner) await fleet.firewall(host, behindBastion(fleet));
      return { proxyJump: `${bastion!.user}@${bastion!.address}:${bastion!.port}` };
    },
  },
  { title: 'IPv6 alone', family: 6, setUp: async () => ({}) },
];

/** Runs the benchmark. Resolves with the exit code: 1 where a tool was missing or a deploy failed. */
export const main = async (args: readonly string[], { root, signal }: Bench): Promise<number> => {
  const options = {
    runs: { type: 'string', default: '3' },
    hosts: { type: 'string', default: '8' },
    kind: { type: 'string', default: '' },
  } as const;
  const { values } = parseArgs({ args: [...args], options });
  const missing = NETWORK_TOOLS.filter((tool) => findTool(tool) === undefined);
  if (missing.length > 0 || process.getuid?.() !== 0) {
    say(`networks: left out, for want of ${['root', ...missing].join(', ')}`);
    return 1;
  }
  const rows: string[][] = [];
  for (const kind of KINDS) {
    if (signal.aborted) return 130;
    if (!kind.title.includes(values.kind)) continue;
    rows.push(await measure(kind, positive('hosts', values.hosts), positive('runs', values.runs), root));
    say(rows.at(-1)!.join('  '));
  }
  for (const [name, value] of Object.entries(await describeMachine({ openssh: ['ssh', '-V'] })))
    say(`- ${name}: ${value}`);
  for (const line of table(HEADER, rows)) say(line);
  return 0;
};

const RATE = 25;
const BYTES = 16 * 2 ** 20;
const HEADER = [
  'network',
  'seconds for the bytes',
  'x bound',
  'copies from the seeder',
  'copies on the wire',
  'whole deploy, s',
];

const measure = async (kind: Kind, hosts: number, runs: number, root: string): Promise<string[]> => {
  const fleet = await startNetworkFleet({
    ...{ hosts: Array.from({ length: hosts }, () => ({})), rate: RATE },
    ...(kind.family === undefined ? {} : { family: kind.family }),
  });
  const project = await makeProject({ fleet });
  try {
    const { user, identityFile, knownHostsFile } = fleet;
    const ssh = await kind.setUp(fleet);
    const inner = ssh.proxyJump === undefined ? fleet.hosts : fleet.hosts.slice(1);
    await project.configure({ hosts: inner, config: { ssh: { user, identityFile, knownHostsFile, ...ssh } } });
    await deployOnce(project, fleet, root);
    const all: Figures[] = [];
    for (let run = 0; run < runs; run++) all.push(await deployOnce(project, fleet, root));
    const bound = (BYTES * 8e-6) / RATE;
    const column = (of: (one: Figures) => number): string => {
      const figures = all.map(of);
      return `${median(figures).toFixed(2)} (${Math.min(...figures).toFixed(2)} - ${Math.max(...figures).toFixed(2)})`;
    };
    return [
      ...[kind.title, column(({ bytes }) => bytes), column(({ bytes }) => bytes / bound)],
      ...[column(({ copies }) => copies), column(({ wire }) => wire), column(({ whole }) => whole)],
    ];
  } finally {
    await project.remove();
    await fleet.close();
  }
};

/** Of one deploy: seconds for the bytes and for all, and copies of the payload. */
interface Figures {
  readonly bytes: number;
  readonly whole: number;
  readonly copies: number;
  readonly wire: number;
}

const deployOnce = async (project: Project, fleet: NetworkFleet, root: string): Promise<Figures> => {
  await project.commit({ payload: randomBytes(BYTES) });
  const before = await fleet.sent();
  const { summary }: Deployed = await project.deploy([], {
    through: fleet.deployer,
    program: [join(root, 'dist/cli.js')],
  });
  if (!summary.ok) throw new Error(`a deploy failed: ${JSON.stringify(summary)}`);
  const wire = ((await fleet.sent()) - before) / BYTES;
  const copies = summary.swarm!.seederUploaded / BYTES;
  return { bytes: summary.swarm!.seconds, copies, wire, whole: summary.seconds };
};
