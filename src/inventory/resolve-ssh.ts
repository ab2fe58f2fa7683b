import { UserError } from '#recipe/user-error.ts';
import type { HostSsh, Target } from './host.ts';
import { lookUpSsh } from './look-up-ssh.ts';
import { parseHost } from './parse-host.ts';
import { makeSettle, readers, type Settle, type Settled } from './settle.ts';
import type { Directive, SshConfig } from './ssh-config-file.ts';
import { expandPath, expandTokens, type LocalMachine, type Tokens } from './ssh-tokens.ts';
import { readAgent, readChecking, readCommand, readFamily, readForwardAgent, readJumps } from './ssh-values.ts';
import { findUnsupported } from './unsupported.ts';

/** What deploy.config.ts says, each with the place where it says it. Paths are absolute. */
export interface SshChosen {
  readonly user?: Settled<string>;
  readonly port?: Settled<number>;
  readonly identityFile?: Settled<readonly string[]>;
  readonly knownHostsFile?: Settled<readonly string[]>;
  /** Empty: none. */
  readonly proxyJump?: Settled<readonly string[]>;
  readonly proxyCommand?: Settled<string | undefined>;
  readonly hostKeyAlias?: Settled<string | undefined>;
  readonly hostKeyChecking?: Settled<'strict' | 'accept-new'>;
  readonly identityAgent?: Settled<string | undefined>;
  readonly forwardAgent?: Settled<boolean>;
  readonly connectTimeout?: Settled<number>;
  readonly reconnectTimeout?: Settled<number>;
}

export interface SshSurroundings {
  readonly config: SshConfig;
  readonly local: LocalMachine;
  /** Runs the command of a `Match exec`; true for exit code 0. */
  readonly exec: (command: string) => boolean;
  /** Those on the way that were resolved before: hosts behind one bastion share it. */
  readonly hops: Map<string, Target>;
  /** What carries the connections: another one does other words of ssh_config. */
  readonly transport: 'built-in' | 'openssh';
  /** What of deploy.config.ts holds for those on the way, too. */
  readonly forHops: SshChosen;
}

/** All that it takes to log in to a host, with the origin of every value. @throws UserError for a value of ssh_config that makes no sense, with its line */
export const resolveSsh = (alias: string, chosen: SshChosen, around: SshSurroundings, way: Way = START): Target => {
  const { local } = around;
  const found = lookUpSsh(around.config, {
    ...{ alias, local, exec: around.exec },
    ...(chosen.user === undefined ? {} : { user: chosen.user.value }),
    ...(chosen.port === undefined ? {} : { port: chosen.port.value }),
  });
  const { settle, settings } = makeSettle(found);
  const hostName = (line: Directive) =>
    readers
      .text(line)
      .replace(/%([h%])/g, (_, letter) => (letter === 'h' ? alias : '%'))
      .toLowerCase();
  const address = settle('HostName', undefined, hostName, { value: alias.toLowerCase(), from: way.from });
  const port = settle('Port', chosen.port, readers.port, 22);
  const user = settle('User', chosen.user, readers.text, local.user);
  const hostKeyAlias = settle<string | undefined>('HostKeyAlias', chosen.hostKeyAlias, readers.text, undefined);
  const tokens: Tokens = { host: address, alias, port, user, hostKeyAlias: hostKeyAlias ?? address, local };
  const { done, unsupported } = findUnsupported(found, around.transport);
  const ssh: HostSsh = {
    ...{ alias, hostKeyAlias },
    ...settleKeys(settle, chosen, tokens),
    ...settleHostKeys(settle, chosen, tokens),
    ...settleConnection(settle, chosen),
    ...settleWay(settle, chosen, tokens, around, way),
    ...{ settings: [...settings, ...done], unsupported },
  };
  return { name: alias, address, port, user, ssh };
};

/** How a target came to be looked at: its own choice, or on the way to somebody. */
interface Way {
  readonly from: string;
  /** The way to it, where the host behind it has said so. */
  readonly jumps?: readonly string[];
  /** Those whose way it is on. */
  readonly trail: readonly string[];
}

const START: Way = { from: 'deploy.config: hosts', trail: [] };

const settleKeys = (settle: Settle, chosen: SshChosen, tokens: Tokens) => {
  const { local } = tokens;
  const path = (text: string) => expandPath(text, tokens);
  const usual = DEFAULT_KEYS.map((name) => `${local.home}/.ssh/${name}`);
  const socket = { value: local.env.SSH_AUTH_SOCK || undefined, from: 'environment' };
  const agent = settle<string | undefined>(
    'IdentityAgent',
    chosen.identityAgent,
    (line) => readAgent(readers.text(line), local, path),
    socket,
  );
  const forwarded = settle<boolean | string>('ForwardAgent', chosen.forwardAgent, readForwardAgent, false);
  const off = (word: string) => !settle(word, undefined, readers.yes, true);
  return {
    agent,
    forwardedAgent: typeof forwarded === 'string' ? readAgent(forwarded, local, path) : forwarded ? agent : undefined,
    identityFiles: settle('IdentityFile', chosen.identityFile, (_, all) => pathsOf(all, tokens), usual),
    identityChosen: chosen.identityFile !== undefined,
    identitiesOnly: settle('IdentitiesOnly', undefined, readers.yes, false),
    batch: settle('BatchMode', undefined, readers.yes, false),
    without: [
      ...(off('PubkeyAuthentication') ? (['publickey'] as const) : []),
      ...(off('PasswordAuthentication') ? (['password'] as const) : []),
      ...(off('KbdInteractiveAuthentication') ? (['keyboard-interactive'] as const) : []),
    ],
  };
};

const DEFAULT_KEYS = ['id_ed25519', 'id_ecdsa', 'id_rsa'];

const settleHostKeys = (settle: Settle, { knownHostsFile, hostKeyChecking }: SshChosen, tokens: Tokens) => {
  const read = (_: Directive, all: readonly Directive[]) => pathsOf(all, tokens);
  const usual = [`${tokens.local.home}/.ssh/known_hosts`];
  const users = settle('UserKnownHostsFile', knownHostsFile, read, usual);
  const systems = knownHostsFile ? [] : settle('GlobalKnownHostsFile', undefined, read, ['/etc/ssh/ssh_known_hosts']);
  return {
    knownHostsFiles: [...users, ...systems],
    hostKeyChecking: settle('StrictHostKeyChecking', hostKeyChecking, readChecking, 'strict'),
    hashKnownHosts: settle('HashKnownHosts', undefined, readers.yes, false),
  };
};

const settleConnection = (settle: Settle, chosen: SshChosen) => {
  const list = (name: keyof HostSsh['algorithms']) => {
    const value = settle<string | undefined>(name, undefined, readers.text, undefined);
    return value === undefined ? {} : { [name]: value };
  };
  return {
    connectTimeout: settle('ConnectTimeout', chosen.connectTimeout, readers.seconds, 20),
    reconnectTimeout: settle('reconnectTimeout', chosen.reconnectTimeout, readers.seconds, 120),
    aliveInterval: settle('ServerAliveInterval', undefined, readers.seconds, 15),
    aliveCountMax: settle('ServerAliveCountMax', undefined, readers.count, 3),
    bindAddress: settle<string | undefined>('BindAddress', undefined, readers.text, undefined),
    family: settle<4 | 6 | undefined>('AddressFamily', undefined, readFamily, undefined),
    algorithms: { ...list('Ciphers'), ...list('KexAlgorithms'), ...list('MACs'), ...list('HostKeyAlgorithms') },
  };
};

/** ProxyJump and ProxyCommand: what deploy.config.ts says of one takes the other of ssh_config away. */
const settleWay = (settle: Settle, chosen: SshChosen, tokens: Tokens, around: SshSurroundings, way: Way) => {
  const given = way.jumps && { value: way.jumps, from: way.from };
  const none = <T>(value: T, by: Settled<unknown> | undefined) => by && { value, from: by.from };
  const jumps = settle('ProxyJump', given ?? chosen.proxyJump ?? none([], chosen.proxyCommand), readJumps, []);
  const command = settle<string | undefined>(
    'ProxyCommand',
    chosen.proxyCommand ?? none(undefined, given ?? chosen.proxyJump),
    readCommand,
    undefined,
  );
  return {
    via: resolveVia(jumps, around, [...way.trail, tokens.alias]),
    proxyCommand: command === undefined ? undefined : expandTokens(command, tokens),
  };
};

/** The last one of a way. OpenSSH asks ssh_config for each of them; the first one may have a way of its own there. */
const resolveVia = (
  jumps: readonly string[],
  around: SshSurroundings,
  trail: readonly string[],
): Target | undefined => {
  const last = jumps.at(-1);
  if (last === undefined) return undefined;
  const { address, user, port } = parseHost(last);
  if (trail.includes(address))
    throw new UserError(`ProxyJump goes in a circle: ${[...trail, address].join(' -> ')}`, 2);
  const key = jumps.join(',');
  const known = around.hops.get(key);
  if (known) return known;
  const from = `ProxyJump of ${trail.at(-1)}`;
  const chosen: SshChosen = {
    ...around.forHops,
    ...(user === undefined ? {} : { user: { value: user, from } }),
    ...(port === undefined ? {} : { port: { value: port, from } }),
  };
  const earlier = jumps.slice(0, -1);
  const hop = resolveSsh(address, chosen, around, { from, trail, ...(earlier.length > 0 ? { jumps: earlier } : {}) });
  around.hops.set(key, hop);
  return hop;
};

const pathsOf = (lines: readonly Directive[], tokens: Tokens): string[] => [
  ...new Set(lines.flatMap(({ args }) => args.filter((arg) => arg !== 'none').map((arg) => expandPath(arg, tokens)))),
];
