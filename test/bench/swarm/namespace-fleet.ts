/**
 * A fleet in one machine: a network namespace for the origin and one for each host, joined by a bridge in a namespace
 * that is the switch. A link is a pair of devices, limited in both directions: where the host sends, and where the switch does.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Fleet, Station } from './fleet.ts';
import { raiseKernelLimits } from './kernel-limits.ts';
import { isFar, isShaped, type Links } from './links.ts';
import { batch, inNamespace, listNamespaces, makeNamespaces, removeNamespaces } from './namespaces.ts';
import { isLeftover, OWN } from './ownership.ts';

/** Makes it. Namespaces that an earlier run left when it was killed are removed first. Root only. */
export const startNamespaceFleet = async (links: Links): Promise<Fleet> => {
  await removeNamespaces(listNamespaces().filter(isLeftover));
  const stations: Station[] = [links.origin, ...links.hosts].map((_, index) => ({
    name: index === 0 ? 'origin' : `h${index}`,
    address: index === 0 ? '10.77.0.1' : `10.77.${1 + Math.floor((index - 1) / 250)}.${((index - 1) % 250) + 1}`,
  }));
  const names = [SWITCH, ...stations.map(({ name }) => name)].map(namespaceOf);
  const restore = raiseKernelLimits();
  const close = async () => {
    await removeNamespaces(names);
    restore();
  };
  try {
    await makeNamespaces(names);
    await layCables(stations, links);
    return {
      ...{ links, origin: stations[0]!, hosts: stations.slice(1), close },
      command: (station, argv) => inNamespace(namespaceOf(station.name), argv),
      sent: () => sentBy(namespaceOf(stations[0]!.name), 'eth0', isShaped(links.origin)),
      ...(links.between === undefined ? {} : { crossed: () => sentBy(namespaceOf(SWITCH), 'z0', true) }),
      atSwitch: (argv) => inNamespace(namespaceOf(SWITCH), argv),
    };
  } catch (error) {
    await close();
    throw error;
  }
};

const SWITCH = 'switch';

const namespaceOf = (name: string): string => `${OWN}${name}`;

const layCables = async (stations: readonly Station[], links: Links): Promise<void> => {
  const { origin, hosts, between } = links;
  const rates = [origin, ...hosts];
  const bridges = between === undefined ? ['bridge'] : ['bridge', 'far'];
  const cables = stations.flatMap(({ name }, index) => [
    `link add p${index} type veth peer name eth0 netns ${namespaceOf(name)}`,
    `link set p${index}${segmentSize(rates[index]!)} master ${isFar(links, index - 1) ? 'far' : 'bridge'} up`,
  ]);
  const made = bridges.flatMap((name) => [
    `link add ${name} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
    `link set ${name} up`,
  ]);
  await batch('ip', ['link set lo up', ...made, ...cables], namespaceOf(SWITCH));
  if (between !== undefined) await joinZones(between);
  await batch(
    'tc',
    rates.flatMap((rate, index) => limit(`p${index}`, rate)),
    namespaceOf(SWITCH),
  );
  for (const [index, station] of stations.entries()) await setUp(station, rates[index]!);
};

/** The link between the zones, limited both ways. */
const joinZones = async (rate: number): Promise<void> => {
  const ends = ['z0', 'z1'];
  await batch(
    'ip',
    [
      'link add z0 type veth peer name z1',
      `link set z0${segmentSize(rate)} master bridge up`,
      `link set z1${segmentSize(rate)} master far up`,
    ],
    namespaceOf(SWITCH),
  );
  await batch(
    'tc',
    ends.flatMap((device) => limit(device, rate)),
    namespaceOf(SWITCH),
  );
};

const setUp = async ({ name, address }: Station, rate: number): Promise<void> => {
  const namespace = namespaceOf(name);
  const lines = [
    'link set lo up',
    `link set eth0${segmentSize(rate)} txqueuelen 1000`,
    `addr add ${address}/16 brd + dev eth0`,
    'link set eth0 up',
    'route add default dev eth0',
  ];
  await batch('ip', lines, namespace);
  await batch('tc', limit('eth0', rate), namespace);
  const [command, ...args] = inNamespace(namespace, ['sh', '-c', SETTINGS.join(' && ')]);
  await promisify(execFile)(command!, args);
};

/** What a path was like in an earlier run is not remembered: every run begins alike. */
const SETTINGS = [
  'cd /proc/sys/net/ipv4',
  'echo cubic >tcp_congestion_control',
  'echo 1 >tcp_no_metrics_save',
  'echo 20000 60000 >ip_local_port_range',
];

/** The kernel's bundles of segments are kept below what the limiter lets pass at once. */
const segmentSize = (rate: number): string => (isShaped(rate) ? ' gso_max_size 16384' : '');

const limit = (device: string, rate: number): string[] =>
  isShaped(rate) ? [`qdisc replace dev ${device} root tbf rate ${rate}mbit burst 32768 limit 262144`] : [];

/** The limiter counts the headers of every segment; where there is none, the device counts those of every bundle. */
const sentBy = async (namespace: string, device: string, shaped: boolean): Promise<number> => {
  const [tool, ...args] = shaped
    ? ['tc', '-n', namespace, '-j', '-s', 'qdisc', 'show', 'dev', device]
    : ['ip', '-n', namespace, '-j', '-s', 'link', 'show', 'dev', device];
  const [entry] = JSON.parse((await promisify(execFile)(tool!, args)).stdout);
  return shaped ? entry.bytes : entry.stats64.tx.bytes;
};
