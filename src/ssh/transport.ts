import type { SshChoices } from '#config/config.ts';
import type { Host } from '#inventory/host.ts';
import type { Emit } from '#protocol/events.ts';
import type { Ask } from '#recipe/setting.ts';
import { makeSecrets } from './keys.ts';
import type { Link } from './link.ts';

/** What leads to hosts. */
export interface Transport {
  /** Logs in. @throws ConnectFailed with the cause in words a person can act on */
  connect(host: Host, signal: AbortSignal): Promise<Link>;
  /** From now on nobody is asked for anything: who comes back later is logged in with what is known by then. */
  askNoMore(): void;
  /** Ends what hosts shared; their own links are ended before. */
  close(): Promise<void>;
}

export interface TransportRequest {
  readonly ssh: Pick<SshChoices, 'transport' | 'configFile'>;
  /** Absent: nobody is asked for passphrases and passwords. */
  readonly ask?: Ask | undefined;
  /** Nobody is asked before it resolves, nor when it has rejected. @default at once */
  readonly mayAsk?: Promise<unknown>;
  /** Called whenever a host is being dialled. */
  readonly dialled?: () => void;
  readonly emit: Emit;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** PATH with the Node that runs us first. */
  readonly path: string;
}

/** The transport that the configuration asks for; only its code is loaded. @throws UserError where this machine has not what it takes */
export const openTransport = async ({
  ssh,
  ask,
  mayAsk,
  dialled = () => {},
  emit,
  env,
  path,
}: TransportRequest): Promise<Transport> => {
  const secrets = makeSecrets(ask, mayAsk);
  if (ssh.transport !== 'openssh') return (await import('./connect.ts')).builtInTransport(secrets, dialled);
  const { openSshTransport } = await import('#ssh/openssh/transport.ts');
  dialled(); // by programs, which take their time
  const notify = (message: string) => emit({ type: 'notice', level: 'info', message });
  return openSshTransport({ secrets, configFile: ssh.configFile, env, path, notify });
};
