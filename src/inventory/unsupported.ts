import type { SshSetting, UnsupportedSetting } from './host.ts';
import type { FoundSettings } from './look-up-ssh.ts';

/**
 * Words of ssh_config that change whom we reach, as whom, or with what proof, and that we do not know. Others change
 * nothing for a deploy: what a terminal sees, forwardings of a login, how connections are shared.
 */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  bindinterface: 'BindInterface',
  canonicalizehostname: 'CanonicalizeHostname',
  certificatefile: 'CertificateFile',
  hostbasedauthentication: 'HostbasedAuthentication',
  knownhostscommand: 'KnownHostsCommand',
  pkcs11provider: 'PKCS11Provider',
  preferredauthentications: 'PreferredAuthentications',
  proxyusefdpass: 'ProxyUseFdpass',
  pubkeyacceptedalgorithms: 'PubkeyAcceptedAlgorithms',
  remotecommand: 'RemoteCommand',
  revokedhostkeys: 'RevokedHostKeys',
  setenv: 'SetEnv',
  verifyhostkeydns: 'VerifyHostKeyDNS',
};

/** What the files set for a host and we do not do, by name; OpenSSH does nearly all of it. */
export const findUnsupported = (
  found: FoundSettings,
  transport: 'built-in' | 'openssh',
): { done: SshSetting[]; unsupported: UnsupportedSetting[] } => {
  const set = [...found].flatMap(([keyword, [line]]) => {
    const name = UNSUPPORTED[keyword];
    const value = line?.args.join(' ') ?? '';
    return name === undefined || line === undefined || OFF.includes(value.toLowerCase())
      ? []
      : [{ name, value, from: line.from }];
  });
  const byOpenSsh = ({ name }: SshSetting) => !NOT_FOR_COMMANDS.includes(name);
  const isDone = (one: SshSetting) => transport === 'openssh' && byOpenSsh(one);
  return {
    done: set.filter(isDone),
    unsupported: set.filter((one) => !isDone(one)).map((one) => ({ ...one, byOpenSsh: byOpenSsh(one) })),
  };
};

/** What would change the commands of a deploy. */
const NOT_FOR_COMMANDS = ['RemoteCommand', 'SetEnv'];

const OFF = ['no', 'none', 'false'];
