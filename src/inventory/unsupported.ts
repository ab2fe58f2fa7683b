import type { SshSetting } from './host.ts';
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

/** What the files set for a host and we do not do, by name. */
export const findUnsupported = (found: FoundSettings): SshSetting[] =>
  [...found].flatMap(([keyword, [line]]) => {
    const name = UNSUPPORTED[keyword];
    const value = line?.args.join(' ') ?? '';
    return name === undefined || line === undefined || OFF.includes(value.toLowerCase())
      ? []
      : [{ name, value, from: line.from }];
  });

const OFF = ['no', 'none', 'false'];
