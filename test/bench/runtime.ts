import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startNetworkFleet } from '../support/network-fleet.ts';
import { type Deployed, makeProject } from '../support/project.ts';
import { runtimeHere } from '../support/runtime-cache.ts';
import { type Bench, positive, say } from './command-line.ts';
import { describeMachine } from './machine.ts';

/**
 * First deploys to hosts without Node, each behind a link of its own: how long the runtime takes to one host and to all of them,
 * and how much leaves the deployer, by the counter of its link. Root only.
 */
export const main = async (words: readonly string[], { root, signal }: Bench): Promise<number> => {
  const { values } = parseArgs({
    args: [...words],
    options: {
      hosts: { type: 'string', default: '16' },
      rate: { type: 'string', default: '25' },
      runs: { type: 'string', default: '3' },
    },
  });
  const [count, rate, runs] = (['hosts', 'rate', 'runs'] as const).map((name) => positive(name, values[name])) as [
    number,
    number,
    number,
  ];
  if (process.getuid?.() !== 0) {
    say('runtime: left out, it needs root');
    return 1;
  }
  const cache = join(root, 'node_modules/.cache/rookery-test');
  const bare = { without: ['node', 'nodejs'], diskSize: '400m' };
  const fleet = await startNetworkFleet({ hosts: Array.from({ length: count }, () => bare), rate });
  const project = await makeProject({ fleet });
  const run = async (name: string): Promise<void> => {
    const before = await fleet.sent();
    const deployed = await project.deploy([], {
      ...{ through: fleet.deployer, program: [join(root, 'dist/cli.js')], env: { XDG_CACHE_HOME: cache } },
      timeout: 600_000,
    });
    if (!deployed.summary.ok) throw new Error(deployed.stdout);
    const copies = ((await fleet.sent()) - before) / bytes;
    say(
      `| ${name} | ${secondsOf(deployed).toFixed(1)} | ${deployed.summary.seconds.toFixed(1)} | ${copies.toFixed(2)} |`,
    );
  };
  let bytes = Number.NaN;
  try {
    await project.deploy(['deploy:check'], {
      program: [join(root, 'dist/cli.js')],
      through: fleet.deployer,
      env: { XDG_CACHE_HOME: cache },
    });
    bytes = (await stat(join(cache, 'rookery/runtime', `${runtimeHere().sha256}.gz`))).size;
    const bound = (bytes * 8) / (rate * 1e6);
    say(
      Object.entries(await describeMachine({}))
        .map(([name, value]) => `- ${name}: ${value}`)
        .join('\n'),
    );
    say(`\nOne copy is ${(bytes / 1e6).toFixed(1)} MB and takes ${bound.toFixed(1)} s at ${rate} Mbit/s.\n`);
    say('| deploy | swarm:runtime, s | whole deploy, s | bytes that left the deployer, in copies |\n|---|---|---|---|');
    for (let round = 0; round < runs && !signal.aborted; round++) {
      for (const hosts of [fleet.hosts.slice(0, 1), fleet.hosts]) {
        for (const host of fleet.hosts)
          await rm(join(host.files, project.application), { recursive: true, force: true });
        await project.configure({ hosts });
        await run(`first, ${hosts.length === 1 ? 'one host' : `${hosts.length} hosts`}`);
      }
      await run(`again, ${count} hosts`);
    }
    return 0;
  } finally {
    await project.remove();
    await fleet.close();
  }
};

const secondsOf = ({ events }: Deployed): number =>
  events.flatMap((event) => (event.type === 'task-end' && event.task === 'swarm:runtime' ? [event.seconds] : []))[0] ??
  0;
