import type { Target } from '#inventory/host.ts';
import type { Connection } from './connect.ts';
import { ConnectFailed } from './connect-failed.ts';
import type { Socket } from './open-socket.ts';
import { where } from './where.ts';

/** A connection to a target that another host opens for us, as `ssh -J` does it. @throws ConnectFailed that names both */
export const goThrough = (
  target: Target,
  gate: Target,
  { client, addresses }: Connection,
  signal: AbortSignal,
): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const refuse = (why: string) => {
      settle();
      reject(new ConnectFailed('connect', `cannot reach ${where(target)} through ${gate.name}: ${why}`));
    };
    const stop = () => refuse('interrupted');
    const lost = () => refuse(`the connection to ${gate.name} was lost`);
    const late = () =>
      refuse(
        `no answer within ${target.ssh.connectTimeout} s: is the host up, and may it be reached from ${gate.name}?`,
      );
    const timer = setTimeout(late, target.ssh.connectTimeout * 1000);
    const settle = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      client.off('close', lost);
    };
    signal.addEventListener('abort', stop, { once: true });
    client.once('close', lost);
    try {
      client.forwardOut('127.0.0.1', 0, target.address, target.port, (error, stream) => {
        if (error) return refuse(explain(error, gate));
        settle();
        resolve({ stream, addresses: { local: addresses.local, remote: '' } });
      });
    } catch {
      lost(); // it was gone before
    }
    if (signal.aborted) stop();
  });

const explain = (error: Error & { reason?: unknown }, gate: Target): string => {
  if (error.reason === 1) return `${gate.name} does not allow it: AllowTcpForwarding or PermitOpen in its sshd_config`;
  return error.message.replace(/^\(SSH\) Channel open failure: /, '');
};
