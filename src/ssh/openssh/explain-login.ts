import type { Target } from '#inventory/host.ts';
import { ConnectFailed, noAnswer } from '#ssh/connect-failed.ts';
import { readKnownKeys } from '#ssh/host-key.ts';
import { type KnownKey, lookupName } from '#ssh/known-hosts.ts';
import { where } from '#ssh/where.ts';

/** Why `ssh` could not log in, out of what it wrote on stderr, in the words of the other transport where it knows as much. */
export const explainLogin = async (target: Target, stderr: string): Promise<ConnectFailed> => {
  const said = stderr.replaceAll('\r', '');
  if (/Host key verification failed|host key .*(revoked|is known)|IDENTIFICATION HAS CHANGED/.test(said))
    return new ConnectFailed('host-key', explainHostKey(target, said, await readKnownKeys(target)));
  if (/Permission denied \(|Too many authentication failures|No more authentication methods/i.test(said))
    return new ConnectFailed('auth', explainDenied(target, said));
  return explainConnection(target, said);
};

const explainHostKey = (target: Target, said: string, known: readonly KnownKey[]): string => {
  const { address, port, ssh } = target;
  const name = ssh.hostKeyAlias ?? lookupName(address, port);
  const file = ssh.knownHostsFiles[0] ?? '~/.ssh/known_hosts';
  const [, place = file, line = ''] = said.match(/^Offending .*? ?key .*?in (.+?):(\d+)$/m) ?? [];
  const [, type = '', fingerprint = ''] = said.match(/The fingerprint for the (\S+) key .* is\n(\S+?)\.?\n/) ?? [];
  if (/IDENTIFICATION HAS CHANGED/.test(said))
    return `REMOTE HOST IDENTIFICATION HAS CHANGED for ${name}: it shows ${type} ${fingerprint}, but ${place}:${line} holds another key. Someone could be eavesdropping. If the host was reinstalled: ssh-keygen -R '${name}' -f ${place}`;
  if (/marked as revoked|was revoked/.test(said)) {
    const revoked = known.find((key) => key.revoked);
    return `the host key of ${name} is marked as revoked in ${revoked ? `${revoked.file}:${revoked.line}` : file}`;
  }
  const more = linesOf(said).filter((one) => !/^(No \S+ host key is known|Host key verification failed)/.test(one));
  return `the host key of ${name} is not known. ${more.map((one) => `${one}. `).join('')}Compare it with the host's own, then add it: ssh-keyscan -p ${port} ${address} >> ${file}`;
};

const explainDenied = (target: Target, said: string): string => {
  const { user, ssh } = target;
  const chosen = ssh.identityChosen
    ? `; offered: ${ssh.identityFiles.join(', ')}`
    : `; ssh -v ${ssh.alias} tells what was offered`;
  const useful = linesOf(said).filter((line) =>
    /^(Load key|Permissions \d+ for|sign_and_send|no such identity|Certificate|agent |Could not|Received disconnect)|authentication failures/i.test(
      line,
    ),
  );
  const methods = said.match(/Permission denied (\(.*\))/)?.[1];
  const words = [...useful, ...(methods === undefined ? [] : [`the host takes ${methods.slice(1, -1)}`])];
  return `permission denied for ${user} at ${where(target)}${chosen}${words.map((one) => `; ${one}`).join('')}`;
};

const explainConnection = (target: Target, said: string): ConnectFailed => {
  const { ssh } = target;
  const failed = (message: string, dropped = false) => new ConnectFailed('connect', message, dropped);
  const why = said.match(/^ssh: connect to host .* port \d+: (.*)$/m)?.[1];
  const unknown = said.match(/^ssh: Could not resolve hostname (?:.*): (.*)$/m)?.[1];
  const cannot = `cannot reach ${where(target)}`;
  if (unknown !== undefined)
    return /temporary/i.test(unknown)
      ? failed(`${cannot}: the host name cannot be resolved right now`, true)
      : failed(`${cannot}: the host name cannot be resolved`);
  if (why !== undefined) {
    if (/timed out/i.test(why)) return failed(`${cannot}: no answer within ${ssh.connectTimeout} s: ${IS_IT_UP}`);
    if (/refused/i.test(why)) return failed(`${cannot}: connection refused: is sshd running there, on that port?`);
    return failed(`${cannot}: ${why}`, /reset by peer/i.test(why));
  }
  if (/timed out during banner exchange/.test(said)) return noAnswer(target);
  const own = linesOf(said).filter((line) => !HUNG_UP.test(line));
  const dropped = HUNG_UP.test(said) && own.length === 0;
  if (dropped) return failed(`${where(target)} closed the connection during the SSH handshake`, true);
  const speaker = ssh.proxyCommand !== undefined && HUNG_UP.test(said) ? 'ProxyCommand says: ' : '';
  return failed(`${where(target)}: ${speaker}${own.join('; ') || 'ssh ended without a word'}`, HUNG_UP.test(said));
};

/** ssh goes on where it cannot write a new host key down, and would believe another one the next time. */
export const notWritten = (target: Target, stderr: string): ConnectFailed | undefined => {
  const file = stderr.match(/Failed to add the host to the list of known hosts \((.*)\)/)?.[1];
  const words = `the host key of ${where(target)} is new, but cannot be added to ${file}`;
  return file === undefined ? undefined : new ConnectFailed('host-key', words);
};

const IS_IT_UP = 'is the host up, and is the port open in the firewall?';

const HUNG_UP =
  /^(kex_exchange_identification|ssh_exchange_identification|banner exchange): .*(closed|reset)|^Connection (closed|reset) by .* port \d+|^ssh_dispatch_run_fatal: .*(closed|reset)/im;

/** What ssh says, without frames, and without what is said to everybody. */
const linesOf = (said: string): string[] =>
  said
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^(@|\*\*|Warning: Permanently added)/.test(line));
