import type ssh2 from 'ssh2';
import type { ConnectConfig } from 'ssh2';
import Client from 'ssh2/lib/client.js';
import type { Target } from '#inventory/host.ts';
import { chooseAlgorithms } from './algorithms.ts';
import { ConnectFailed, noAnswer } from './connect-failed.ts';
import type { AuthMethod, Credentials } from './credentials.ts';
import { judgeKey } from './host-key.ts';
import type { KnownKey } from './known-hosts.ts';
import type { Socket } from './open-socket.ts';
import type { Prompting } from './prompts.ts';
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
    const client = new Client();
    let refusal: ConnectFailed | undefined;
    let greeted = false;
    client.once('handshake', () => {
      greeted = true;
    });
    const waiting = credentials.methods.map((method) => ('prompt' in method ? withoutHurry(method) : method));
    let last: AuthMethod | undefined;
    let methodsLeft: readonly string[] = [];
    let partly = false;
    let agentError: Error | undefined;
    const nextMethod = (left: readonly string[] | null, accepted: boolean | null) => {
      methodsLeft = left ?? methodsLeft;
      partly ||= accepted === true;
      if (last?.again?.() === true) return last;
      last = waiting.shift();
      return last ?? false;
    };
    const stop = () => client.destroy();
    signal.addEventListener('abort', stop, { once: true });
    let limit: NodeJS.Timeout | undefined;
    const settled = () => {
      clearTimeout(limit);
      signal.removeEventListener('abort', stop);
    };
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
        fail(denied(target, { offered: credentials.offered, methodsLeft, partly }, agentError));
      else fail(explain(target, error, !greeted));
    });
    client.once('close', () => fail(new ConnectFailed('connect', `${where(target)} ${HUNG_UP}`, !greeted)));
    const hurry = () => {
      limit = setTimeout(() => fail(noAnswer(target)), ssh.connectTimeout * 1000).unref();
    };
    function withoutHurry(method: AuthMethod): AuthMethod {
      const ask = method.prompt as Prompting;
      const prompt: Prompting = (name, told, language, prompts, finish) => {
        clearTimeout(limit);
        ask(name, told, language, prompts, (answers) => {
          hurry();
          finish(answers);
        });
      };
      return { ...method, prompt };
    }
    hurry();
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
      readyTimeout: 0, // ours does not count the time that a person takes
      keepaliveInterval: ssh.aliveInterval * 1000,
      keepaliveCountMax: ssh.aliveCountMax,
      ...(ssh.forwardedAgent === undefined ? {} : { agent: ssh.forwardedAgent, agentForward: true }),
    });
    if (signal.aborted) stop();
  });

const denied = (
  target: Target,
  login: Pick<ConnectFailed, 'offered' | 'methodsLeft' | 'partly'>,
  agentError: Error | undefined,
): ConnectFailed => {
  const { user, ssh } = target;
  const agent = agentError ? `; the SSH agent at ${ssh.agent} failed: ${agentError.message}` : '';
  return new ConnectFailed(
    'auth',
    `permission denied for ${user} at ${where(target)}; offered: ${login.offered.join(', ') || 'nothing'}${agent}`,
    false,
    login,
  );
};

const explain = (target: Target, error: Error & { level?: string }, early: boolean): ConnectFailed => {
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
