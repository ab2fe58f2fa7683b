import type { Target } from '#inventory/host.ts';
import { shellText } from '#protocol/shell.ts';

/** How the master of a target is reached and started. */
export interface MasterOptions {
  readonly target: Target;
  /** Path of its control socket. */
  readonly socket: string;
  /** Words for `ssh` that choose its configuration. */
  readonly configWords: readonly string[];
  /** Control socket of the host that it goes through. */
  readonly via: string | undefined;
  /** Somebody can be asked. */
  readonly asks: boolean;
}

/**
 * ssh(1) as a control master: no command, no terminal, nothing of ssh_config that is for people. It says a word when it
 * is logged in and listens. What deploy.config.ts says becomes options; the rest ssh reads by itself.
 */
export const masterWords = ({ target, socket, configWords, via, asks }: MasterOptions): string[] => [
  ...configWords,
  ...['-M', '-S', socket, '-N', '-T'],
  ...options({
    ControlPersist: 'no',
    PermitLocalCommand: 'yes',
    LocalCommand: `echo ${READY}`,
    RemoteCommand: 'none',
    ClearAllForwardings: 'yes',
    ForwardX11: 'no',
    Tunnel: 'no',
    UpdateHostKeys: 'no',
    LogLevel: 'INFO',
    ...(asks ? {} : { BatchMode: 'yes' }),
    ...loginOptions(target),
    ...(via === undefined ? {} : throughMaster(via, target)),
  }),
  ...(target.ssh.identityFiles.length > 0 && isChosen(target, 'IdentityFile')
    ? target.ssh.identityFiles.flatMap((file) => ['-o', `IdentityFile=${quoted(file)}`])
    : []),
  ...['--', target.ssh.alias],
];

export const READY = 'rookery-ready';

/** `ssh` as a client of a master; where that is gone it must not connect by itself. */
export const clientWords = (socket: string): string[] => [
  ...['-F', 'none', '-S', socket, '-T'],
  ...options({ ProxyCommand: 'false', LogLevel: 'ERROR', BatchMode: 'yes' }),
];

const options = (values: Readonly<Record<string, string>>): string[] =>
  Object.entries(values).flatMap(([name, value]) => ['-o', `${name}=${value}`]);

/** What is said in deploy.config.ts, and what has another default or another meaning with us than with ssh. */
const loginOptions = (target: Target): Record<string, string> => {
  const { ssh, user, port } = target;
  const chosen = (name: string, value: string | undefined) =>
    isChosen(target, name) && value !== undefined ? { [name]: value } : {};
  return {
    ...chosen('User', user),
    ...chosen('Port', `${port}`),
    ...chosen('HostKeyAlias', ssh.hostKeyAlias),
    ...chosen('UserKnownHostsFile', ssh.knownHostsFiles.map(quoted).join(' ')),
    ...(isChosen(target, 'UserKnownHostsFile') ? { GlobalKnownHostsFile: '/dev/null' } : {}),
    ...(isChosen(target, 'IdentityFile') ? { IdentitiesOnly: 'yes' } : {}),
    ...(isChosen(target, 'IdentityAgent')
      ? { IdentityAgent: ssh.agent === undefined ? 'none' : quoted(ssh.agent) }
      : {}),
    ...chosen('ForwardAgent', ssh.forwardedAgent === undefined ? 'no' : 'yes'),
    ...chosen('ProxyCommand', ssh.settings.find(({ name }) => name === 'ProxyCommand')?.value),
    ...(isChosen(target, 'ProxyJump') && ssh.via === undefined ? { ProxyJump: 'none' } : {}),
    StrictHostKeyChecking: ssh.hostKeyChecking === 'strict' ? 'yes' : 'accept-new',
    ConnectTimeout: `${Math.max(1, Math.ceil(ssh.connectTimeout))}`,
    ServerAliveInterval: `${ssh.aliveInterval}`,
    ServerAliveCountMax: `${ssh.aliveCountMax}`,
  };
};

/** Said by deploy.config.ts, or by what we make ourselves: not by ssh_config, nor by nobody. */
const isChosen = ({ ssh }: Target, word: string): boolean =>
  ssh.settings.some(({ name, from }) => name === word && /^(deploy\.config|sandbox|ProxyJump of )/.test(from));

/** A path for ssh_config(5): in quotes, and no `%` is a token. */
const quoted = (path: string): string => `"${path.replace(/["\\]/g, '\\$&').replaceAll('%', '%%')}"`;

/** A client of the master on the way is the connection; `%h` and `%p` stay tokens in its command line. */
const throughMaster = (via: string, { name }: Target): Record<string, string> => ({
  ProxyUseFdpass: 'no',
  ProxyCommand: shellText(['ssh', ...clientWords(via), '-W', '[%h]:%p', '--', name]),
});
