import type { SshChoices } from '#config/config.ts';
import type { WrittenHost } from '#config/written-config.ts';
import type { SshChosen } from './resolve-ssh.ts';
import type { Settled } from './settle.ts';

/** What deploy.config.ts says of how to log in to a host: its own keys, then those of `ssh`. */
export const chosenFor = (
  host: WrittenHost,
  { ssh }: { readonly ssh: SshChoices },
  toLocal: (path: string) => string,
): SshChosen => {
  const paths = (written?: string | readonly string[]) =>
    written === undefined ? undefined : list(written).map(toLocal);
  return {
    ...chosenForHops(ssh),
    ...named('user', ssh.user, IN_SSH),
    ...named('port', ssh.port, IN_SSH),
    ...named('proxyJump', ssh.proxyJump, IN_SSH),
    ...switchable('proxyCommand', ssh.proxyCommand, IN_SSH),
    ...named('user', host.user, IN_HOSTS),
    ...named('port', host.port, IN_HOSTS),
    ...named('identityFile', paths(host.identityFile), IN_HOSTS),
    ...named('knownHostsFile', paths(host.knownHostsFile), IN_HOSTS),
    ...named('proxyJump', host.proxyJump === undefined ? undefined : list(host.proxyJump || []), IN_HOSTS),
    ...switchable('proxyCommand', host.proxyCommand, IN_HOSTS),
    ...named('hostKeyAlias', host.hostKeyAlias, IN_HOSTS),
  };
};

/** What of `ssh` holds for the hosts on the way as well: with what proof, not as whom. */
export const chosenForHops = (ssh: SshChoices): SshChosen => ({
  ...named('identityFile', ssh.identityFile, IN_SSH),
  ...named('knownHostsFile', ssh.knownHostsFile, IN_SSH),
  ...named('hostKeyChecking', ssh.hostKeyChecking, IN_SSH),
  ...named('connectTimeout', ssh.connectTimeout, IN_SSH),
  ...named('reconnectTimeout', ssh.reconnectTimeout, IN_SSH),
  ...named('forwardAgent', ssh.forwardAgent, IN_SSH),
  ...switchable('identityAgent', ssh.identityAgent, IN_SSH),
});

const IN_SSH = 'deploy.config: ssh';
const IN_HOSTS = 'deploy.config: hosts';

const named = <K extends string, T>(name: K, value: T | undefined, from: string) =>
  (value === undefined ? {} : { [name]: { value, from } }) as { readonly [key in K]?: Settled<T> };

/** `false` means none. */
const switchable = <K extends string>(name: K, value: string | false | undefined, from: string) =>
  (value === undefined ? {} : { [name]: { value: value || undefined, from } }) as {
    readonly [key in K]?: Settled<string | undefined>;
  };

const list = (value: string | readonly string[]): readonly string[] => (typeof value === 'string' ? [value] : value);
