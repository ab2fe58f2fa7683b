/**
 * A fleet of real OpenSSH servers that each have a network namespace of their own, and the deployer another one, all
 * joined by a bridge: so that there can be firewalls, translated addresses and slow links between them. Root only.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { promisify } from 'node:util';
import { batch, inNamespace, listNamespaces, makeNamespaces, removeNamespaces } from '../bench/swarm/namespaces.ts';
import { isRunning } from './host-processes.ts';
import { type HostOptions, SSHD_TOOLS, type SshdFleet, type SshdHost, startSshdFleet } from './sshd-fleet.ts';

export interface NetworkFleetOptions {
  readonly hosts: readonly HostOptions[];
  /** Addresses of the fleet. @default 4 */
  readonly family?: 4 | 6;
  /** Mbit/s of every link, up and down. @default no limit */
  readonly rate?: number;
}

export interface NetworkFleet extends SshdFleet {
  /** What a program is started with to run beside the deployer. */
  readonly deployer: readonly string[];
  /** The deployer's address, and a second one that a translation may use. */
  readonly addresses: readonly [string, string];
  /** Puts a firewall, in the words of nft, on a host or on the deployer, until `open`. */
  firewall(where: SshdHost | 'deployer', rules: string): Promise<void>;
  /** Takes all firewalls away. */
  open(): Promise<void>;
  /** Listens on a host's link from now on; what it returns resolves to all that has come and gone, frame after frame. */
  tap(host: SshdHost): Promise<() => Promise<Buffer>>;
  /** Bytes that the deployer's link has sent, with all headers. */
  sent(): Promise<number>;
}

export const NETWORK_TOOLS = [...SSHD_TOOLS, 'ip', 'tc', 'nft', 'nsenter', 'perl'] as const;

/** Starts it; all hosts listen on port 2222 of addresses in one network. */
export const startNetworkFleet = async ({ hosts, family = 4, rate }: NetworkFleetOptions): Promise<NetworkFleet> => {
  await removeNamespaces(listNamespaces().filter(isLeftover));
  fleets += 1;
  const own = `${PREFIX}${process.pid}-${fleets}-`;
  const address = (place: number) => (family === 4 ? `10.78.0.${place}` : `fd78::${place.toString(16)}`);
  const stations = [
    { name: `${own}deployer`, addresses: [address(1), address(2)] },
    ...hosts.map((_, index) => ({ name: `${own}h${index + 1}`, addresses: [address(FIRST + index)] })),
  ];
  const names = [`${own}switch`, ...stations.map(({ name }) => name)];
  try {
    await makeNamespaces(names);
    await layCables(`${own}switch`, stations, rate);
    const fleet = await startSshdFleet({
      hosts: hosts.map((options, index) => {
        const { name, addresses } = stations[index + 1]!;
        return { ...options, network: { namespace: name, address: addresses[0]! } };
      }),
    });
    const placeOf = (where: SshdHost | 'deployer') => (where === 'deployer' ? 0 : fleet.hosts.indexOf(where) + 1);
    const nft = async (place: number, rules: string) => {
      const [command, ...args] = inNamespace(stations[place]!.name, ['nft', '-f', '-']);
      const running = promisify(execFile)(command!, args);
      running.child.stdin?.end(rules);
      await running;
    };
    return {
      ...fleet,
      deployer: inNamespace(stations[0]!.name, []),
      addresses: [address(1), address(2)],
      firewall: (where, rules) => nft(placeOf(where), rules),
      open: async () => void (await Promise.all(stations.map((_, place) => nft(place, 'flush ruleset')))),
      tap: (host) => tapLink(stations[placeOf(host)]!.name),
      sent: async () => {
        const { stdout } = await promisify(execFile)('ip', [
          ...['-n', stations[0]!.name, '-j', '-s', 'link', 'show', 'dev', 'eth0'],
        ]);
        return JSON.parse(stdout)[0].stats64.tx.bytes;
      },
      close: async () => {
        await fleet.close();
        await removeNamespaces(names);
      },
    };
  } catch (error) {
    await removeNamespaces(names);
    throw error;
  }
};

/** Rules for `firewall`: drops what goes to a peer's or the seeder's port, or is refused at once. */
export const closePorts = (way: 'input' | 'output' | 'both', verdict: 'drop' | 'reject' = 'drop'): string =>
  (way === 'both' ? ['input', 'output'] : [way])
    .map(
      (hook) => `table inet closed_${hook} {
  chain ports {
    type filter hook ${hook} priority 0; policy accept;
    iif lo accept
    oif lo accept
    tcp dport 42000-42999 ct state new ${verdict}
  }
}
`,
    )
    .join('');

/** Rules for the deployer: others see it under its second address. */
export const translate = ({ addresses: [own, other] }: NetworkFleet): string => `table ip nat {
  chain out { type nat hook postrouting priority 100
    ip saddr ${own} snat to ${other}
  }
}
`;

/** Rules for a host that knows nothing of the deployer, and answers it nothing. */
export const behindBastion = ({ addresses }: NetworkFleet): string => `table ip inner {
  chain in { type filter hook input priority 0
    ip saddr { ${addresses.join(', ')} } drop
  }
  chain out { type filter hook output priority 0
    ip daddr { ${addresses.join(', ')} } drop
  }
}
`;

const tapLink = async (namespace: string): Promise<() => Promise<Buffer>> => {
  const [command, ...args] = inNamespace(namespace, ['perl', '-e', TAP]);
  const child = spawn(command!, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const frames: Buffer[] = [];
  child.stdout.on('data', (bytes: Buffer) => void frames.push(bytes));
  await once(child.stdout, 'data'); // it listens
  return async () => {
    child.kill();
    await once(child, 'close');
    return Buffer.concat(frames);
  };
};

/** packet(7): a raw socket for every protocol, with as much room as 16 MB. */
const TAP = `socket(my $link, 17, 3, unpack('S', pack('n', 3))) or die "socket: $!";
setsockopt($link, 1, 33, 16 << 20) or die "room: $!";
syswrite(STDOUT, "\\n");
syswrite(STDOUT, $frame) while sysread($link, $frame, 65536);`;

const PREFIX = 'rookery-net-';
const FIRST = 11;
let fleets = 0;

const isLeftover = (name: string): boolean => {
  if (!name.startsWith(PREFIX)) return false;
  const owner = Number.parseInt(name.slice(PREFIX.length), 10);
  return owner !== process.pid && !(readdirSync('/proc').includes(String(owner)) && isRunning(owner));
};

const layCables = async (
  hub: string,
  stations: readonly { readonly name: string; readonly addresses: readonly string[] }[],
  rate: number | undefined,
): Promise<void> => {
  const segments = rate === undefined ? '' : ' gso_max_size 16384';
  await batch(
    'ip',
    [
      'link add bridge type bridge stp_state 0 forward_delay 0 mcast_snooping 0',
      'link set bridge up',
      ...stations.flatMap(({ name }, index) => [
        `link add p${index} type veth peer name eth0 netns ${name}`,
        `link set p${index}${segments} master bridge up`,
      ]),
    ],
    hub,
  );
  for (const { name, addresses } of stations) {
    const [network, once] = addresses[0]!.includes(':') ? ['64', ' nodad'] : ['24', ''];
    const lines = addresses.map((address) => `addr add ${address}/${network} dev eth0${once}`);
    await batch('ip', ['link set lo up', `link set eth0${segments} up`, ...lines], name);
  }
  if (rate === undefined) return;
  const limit = (device: string) => `qdisc replace dev ${device} root tbf rate ${rate}mbit burst 32768 limit 262144`;
  await batch(
    'tc',
    stations.map((_, index) => limit(`p${index}`)),
    hub,
  );
  for (const { name } of stations) await batch('tc', [limit('eth0')], name);
};
