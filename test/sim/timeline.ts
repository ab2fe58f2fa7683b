import type { SimNode } from './node.ts';
import type { Simulation } from './simulation.ts';

/** What moved in one stretch of time, as printed. The first node is the seeder. */
export const createTimeline = (stepMs: number, print: (line: string) => void): ((simulation: Simulation) => void) => {
  let next = stepMs;
  let before: readonly number[] = [];
  return ({ clock, nodes }) => {
    if (clock.now < next) return;
    next += stepMs;
    const [seeder, ...hosts] = nodes as readonly [SimNode, ...SimNode[]];
    const sent = nodes.map(({ swarm }) => swarm.totals.uploaded);
    const busy = nodes.map(({ options }, name) => {
      const bytes = (sent[name] as number) - (before[name] ?? 0);
      return bytes / ((options.uplink * stepMs) / 1000);
    });
    before = sent;
    const ofHosts = busy.slice(1);
    const done = hosts.map(({ swarm }) => swarm.have.count / swarm.have.size).sort((left, right) => left - right);
    print(
      `${(clock.now / 1000).toFixed(1).padStart(7)} s  seeder up ${percent(busy[0])}` +
        `  hosts up ${percent(ofHosts.reduce((sum, one) => sum + one, 0) / hosts.length)}` +
        ` (${percent(Math.min(...ofHosts))} to ${percent(Math.max(...ofHosts))})` +
        `  pieces out ${percent(piecesOut(seeder, hosts))}` +
        `  progress ${percent(done[0])} ${percent(done[done.length >> 1])} ${percent(done.at(-1))}`,
    );
  };
};

/** The share of all pieces that some host has. */
const piecesOut = ({ swarm: { have } }: SimNode, hosts: readonly SimNode[]): number => {
  let out = 0;
  for (let piece = 0; piece < have.size; piece++) if (hosts.some(({ swarm }) => swarm.have.has(piece))) out++;
  return out / have.size;
};

const percent = (share: number | undefined): string => `${((share ?? 0) * 100).toFixed(0).padStart(3)}%`;
