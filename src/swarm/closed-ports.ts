import type { Unreachable } from '#protocol/control.ts';

/** One host cannot connect to another one's peer. */
export interface ClosedPort {
  readonly from: string;
  readonly to: string;
  readonly port: number;
  readonly reason: Unreachable;
}

/**
 * Who cannot reach whom, on which port and why, in few lines however many they are: one for the host that most of them have in
 * common, as the caller or as the called, then one for the rest, and so on.
 */
export const describeClosedPorts = (closed: readonly ClosedPort[]): string[] => {
  const lines: string[] = [];
  let rest = closed;
  while (rest.length > 0 && lines.length < LINES) {
    const called = mostCommon(rest, ({ to }) => to);
    const caller = mostCommon(rest, ({ from }) => from);
    const some = called.length >= caller.length ? called : caller;
    lines.push(some === called ? describeCalled(called) : describeCaller(caller));
    rest = rest.filter((one) => !some.includes(one));
  }
  return rest.length === 0 ? lines : [...lines, `and ${rest.length} more such pairs of hosts`];
};

const LINES = 6;
const NAMES = 4;

const mostCommon = (closed: readonly ClosedPort[], hostOf: (one: ClosedPort) => string): ClosedPort[] => {
  const groups = new Map<string, ClosedPort[]>();
  for (const one of closed) groups.set(hostOf(one), [...(groups.get(hostOf(one)) ?? []), one]);
  return [...groups.values()].reduce((most, group) => (group.length > most.length ? group : most));
};

const describeCalled = (closed: readonly ClosedPort[]): string => {
  const { to, port } = closed[0]!;
  const more = closed.length > 1 ? `${to} cannot be reached on port ${port} by` : undefined;
  const from = list(closed.map((one) => one.from));
  return `${more ? `${more} ${from}` : `${from} cannot reach ${to} on port ${port}`}: ${reasons(closed)}`;
};

const describeCaller = (closed: readonly ClosedPort[]): string =>
  `${closed[0]!.from} cannot reach ${list(closed.map(({ to, port }) => `${to} on port ${port}`))}: ${reasons(closed)}`;

const reasons = (closed: readonly ClosedPort[]): string =>
  [...new Set(closed.map(({ reason }) => REASONS[reason]))].join('; ');

/** What a person makes of it. */
export const REASONS: Readonly<Record<Unreachable, string>> = {
  silent: 'no answer; a firewall between them?',
  refused: 'refused; a firewall between them?',
  'no-route': 'no route to it',
};

/** Names of hosts, as many as one reads. */
export const list = (names: readonly string[]): string => {
  const unique = [...new Set(names)];
  if (unique.length <= NAMES + 1) return unique.join(', ');
  return `${unique.slice(0, NAMES).join(', ')} and ${unique.length - NAMES} more`;
};
