import { oneLine } from './printable.ts';
import { plural } from './units.ts';

/** Hosts by name, runs of numbers joined: `web01`, `web01..web20 (20 hosts)`, `web01..web03, db1 (4 hosts)`, at most `most` names. */
export const nameHosts = (listed: readonly string[], most = 4): string => {
  const hosts = listed.map(oneLine);
  if (hosts.length === 1) return hosts[0] ?? '';
  const names = joinRuns(hosts);
  const shown = names.length > most ? [...names.slice(0, most), '…'] : names;
  return `${shown.join(', ')} (${plural(hosts.length, 'host')})`;
};

const joinRuns = (hosts: readonly string[]): string[] => {
  const runs: { first: string; last: string; count: number }[] = [];
  for (const host of hosts) {
    const run = runs.at(-1);
    if (run && follows(run.last, host)) {
      run.last = host;
      run.count++;
    } else {
      runs.push({ first: host, last: host, count: 1 });
    }
  }
  return runs.flatMap(({ first, last, count }) =>
    count === 1 ? [first] : count === 2 ? [first, last] : [`${first}..${last}`],
  );
};

/** `web10.example.com` follows `web09.example.com`: the first number counts, an address its last. */
const follows = (before: string, after: string): boolean => {
  const [a, b] = [split(before), split(after)];
  return a !== undefined && b !== undefined && a.around === b.around && b.number === a.number + 1;
};

const split = (host: string): { around: string; number: number } | undefined => {
  const parts = /^[\d.]+$/.test(host) ? /^(.*\.)(\d+)()$/.exec(host) : /^(\D*)(\d+)(.*)$/.exec(host);
  return parts ? { around: `${parts[1]}#${parts[3]}`, number: Number(parts[2]) } : undefined;
};
