import type { ConnectConfig } from 'ssh2';
import ssh2 from 'ssh2';
import type { Target } from '#inventory/host.ts';
import { chooseAlgorithms } from './algorithms.ts';
import { ConnectFailed } from './connect-failed.ts';
import type { Credentials } from './credentials.ts';
import { judgeKey } from './host-key.ts';
import type { KnownKey } from './known-hosts.ts';
import type { Socket } from './open-socket.ts';
import { where } from './where.ts';

/** The SSH handshake and the login. @throws ConnectFailed */
export const logIn = (
  target: Target,
  socket: Socket,
  known: readonly KnownKey[],
  credentials: Credentials,
  signal: AbortSignal,
): Promise<ssh2.Client> =>
  new Promise((resolve, reject) => {
    const { ssh } = target;
    const client = new ssh2.Client();
    let refusal: ConnectFailed | undefined;
    let greeted = false;
    client.once('handshake', () => {
      greeted = true;
    });
    const waiting = [...credentials.methods];
    let methodsLeft: readonly string[] = [];
    let agentError: Error | undefined;
    const nextMethod = (left: readonly string[] | null) => {
      methodsLeft = left ?? methodsLeft;
      return waiting.shift() ?? false;
    };
    const stop = () => client.destroy();
    signal.addEventListener('abort', stop, { once: true });
    const settled = () => signal.removeEventListener('abort', stop);
    client.once('ready', () => {
      settled();
      client.removeAllListeners('error');
      client.on('error', () => {}); // a lost connection shows in every channel that it carried
      resolve(client);
    });
    const fail = (failure: ConnectFailed) => {
      settled();
      client.destroy();
      void withComplaint(refusal ?? failure, socket).then(reject);
    };
    // the first one tells the cause; ssh2 may have another one for the end of the socket
    client.on('error', (error: Error & { level?: string }) => {
      if (error.level === 'agent')
        agentError = error; // the next method may do
      else if (error.level === 'client-authentication')
        fail(denied(target, credentials.offered, methodsLeft, agentError));
      else fail(explain(target, error, !greeted));
    });
    client.once('close', () => fail(new ConnectFailed('connect', `${where(target)} ${HUNG_UP}`, !greeted)));
    client.connect({
      sock: socket.stream,
      username: target.user,
      authHandler: nextMethod as unknown as NonNullable<ConnectConfig['authHandler']>,
      algorithms: chooseAlgorithms(ssh, known) as never,
      hostVerifier: (key: Buffer, verify: (good: boolean) => void) => {
        void judgeKey(target, known, key).then((refused) => {
          refusal = refused;
          verify(refused === undefined);
        });
      },
      readyTimeout: ssh.connectTimeout * 1000,
      keepaliveInterval: ssh.aliveInterval * 1000,
      keepaliveCountMax: ssh.aliveCountMax,
      ...(ssh.forwardedAgent === undefined ? {} : { agent: ssh.forwardedAgent, agentForward: true }),
    });
  });

const denied = (
  target: Target,
  offered: readonly string[],
  methodsLeft: readonly string[],
  agentError: Error | undefined,
): ConnectFailed => {
  const { user, ssh } = target;
  const agent = agentError ? `; the SSH agent at ${ssh.agent} failed: ${agentError.message}` : '';
  return new ConnectFailed(
    'auth',
    `permission denied for ${user} at ${where(target)}; offered: ${offered.join(', ') || 'nothing'}${agent}`,
    false,
    { methodsLeft, offered },
  );
};

const explain = (target: Target, error: Error & { level?: string }, early: boolean): ConnectFailed => {
  const { ssh } = target;
  if (error.level === 'client-timeout')
    return new ConnectFailed('connect', `no SSH answer from ${where(target)} within ${ssh.connectTimeout} s`);
  const dropped = early && /lost before handshake|Premature close|ECONNRESET|EPIPE/.test(error.message);
  return new ConnectFailed('connect', `${where(target)}${dropped ? ` ${HUNG_UP}` : `: ${error.message}`}`, dropped);
};

const HUNG_UP = 'closed the connection during the SSH handshake';

const withComplaint = async (failure: ConnectFailed, { complaint }: Socket): Promise<ConnectFailed> => {
  const text = failure.code === 'connect' ? await complaint?.() : undefined;
  return text
    ? new ConnectFailed(failure.code, `${failure.message}; ProxyCommand says: ${text}`, failure.dropped)
    : failure;
};
