import type { Emit } from '#protocol/events.ts';
import { type ClosedPort, describeClosedPorts, list, REASONS } from './closed-ports.ts';

/** What is found out about the network, told to the user in few words: hosts of the same fate are gathered for a moment. */
export interface NetworkNotices {
  /** Tracker and seeder come to the host over SSH. */
  carried(host: string, why: string): void;
  /** They cannot, and it does not reach them otherwise. */
  refused(host: string, message: string): void;
  /** A host cannot connect to another. */
  closed(one: ClosedPort): void;
  /** A host has no connection to any other host. */
  alone(host: string): void;
  /** Whom the host cannot reach, for the reason of its failure; empty where nothing is known. */
  explain(host: string): string;
  /** Tells what is yet to be told. */
  end(): void;
}

/** Warnings come within two seconds after a try, of which the try itself takes most; how hosts start is nothing urgent. */
const GATHER_MS = { warnings: 300, routes: 1500 } as const;

/** Nothing is known yet. `isGone` tells of a host that has failed: that it takes no calls says nothing of the network. */
export const createNetworkNotices = (emit: Emit, isGone: (host: string) => boolean): NetworkNotices => {
  const known: ClosedPort[] = [];
  let news: ClosedPort[] = [];
  const groups = {
    carried: new Map<string, string[]>(),
    refused: new Map<string, string[]>(),
    alone: new Set<string>(),
  };
  let timer: NodeJS.Timeout | undefined;
  let due = 0;

  const within = (ms: number): void => {
    if (timer !== undefined && due <= performance.now() + ms) return;
    clearTimeout(timer);
    due = performance.now() + ms;
    timer = setTimeout(flush, ms);
  };
  const tell = (level: 'info' | 'warning', message: string): void => emit({ type: 'notice', level, message });

  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    for (const [why, hosts] of groups.carried)
      tell('info', `tracker and seeder are carried over SSH to ${list(hosts)}: ${why}`);
    for (const [why, hosts] of groups.refused)
      tell('warning', `${list(hosts)}: no way to the seeder but by other hosts: ${why}`);
    for (const line of describeClosedPorts(news.filter(({ from, to }) => !isGone(from) && !isGone(to))))
      tell('warning', line);
    const alone = [...groups.alone].filter((host) => !isGone(host));
    if (alone.length > 0)
      tell('warning', `${list(alone)}: no other host to fetch from, so the deployer sends everything`);
    news = [];
    for (const group of Object.values(groups)) group.clear();
  };
  const gather = (group: Map<string, string[]>, host: string, why: string): void => {
    group.set(why, [...(group.get(why) ?? []), host]);
    within(GATHER_MS.routes);
  };

  return {
    carried: (host, why) => gather(groups.carried, host, why),
    refused: (host, why) => gather(groups.refused, host, why),
    closed: (one) => {
      known.push(one);
      news.push(one);
      within(GATHER_MS.warnings);
    },
    alone: (host) => {
      groups.alone.add(host);
      within(GATHER_MS.warnings);
    },
    explain: (host) => {
      const own = known.filter(({ from, to }) => from === host || to === host);
      return describeClosedPorts(own).join('; ');
    },
    end: flush,
  };
};

/** Words for a seeder that a host cannot reach. */
export const seederUnreachable = (address: string, port: number, reason: ClosedPort['reason']): string =>
  `they cannot reach this machine at ${address}, port ${port} (${REASONS[reason].split(';')[0]})`;
