import type { ClientChannel, SFTPWrapper } from 'ssh2';
import type { Host } from '#inventory/host.ts';
import { type Command, failedStep, loginLine, sh, shellText } from '#protocol/shell.ts';
import {
  CommandFailed,
  type CommandResult,
  commandFailure,
  lastLines,
  type Remote,
  type RemoteProcess,
  type RunOptions,
} from '#recipe/remote.ts';
import { channelEnd, collect, type Opened } from './channel.ts';
import { type Attempt, makeChannels } from './channels.ts';
import type { Connection } from './connect.ts';
import { signalGroup, tellingGroup } from './process-group.ts';
import { forwardPorts } from './remote-forwarding.ts';
import { fileSender } from './send-file.ts';
import { type Late, NO_LIMITS, watchTime } from './time-limits.ts';

/** A logged-in host: one connection, as many channels as there are commands at the moment. */
export interface Session extends Remote {
  readonly host: Host;
  /** Ends every command that `run` is waiting for, by TERM, then KILL; programs that were spawned are their starters' matter. */
  interrupt(): void;
  /** Ends the connection; commands still running on the host lose their channels. */
  close(): Promise<void>;
}

/** Makes a `Remote` of a connection. */
export const makeSession = (host: Host, { client, addresses }: Connection): Session => {
  const running = new Set<Running>();
  const watchers: ((group: number, runs: boolean) => void)[] = [];
  let closed = false;
  const gone = new Promise<void>((resolve) => client.once('close', () => resolve()));
  void gone.then(() => {
    closed = true;
  });

  const lost = (label: string) => commandFailure(host.name, { exitCode: null, signal: null, label, stderr: '' });
  const channels = makeChannels(isRefusal);
  const openChannel = async <C extends ClientChannel | SFTPWrapper>(
    label: string,
    start: (done: (error: Error | undefined, channel: C) => void) => void,
  ): Promise<C> => {
    const attempt: Attempt<C> = (opened) =>
      new Promise((resolve, reject) => {
        if (closed) return reject(lost(label));
        void gone.then(() => reject(lost(label)));
        start((error, channel) => {
          if (error) return reject(isRefusal(error) || error instanceof CommandFailed ? error : lost(label));
          opened(channel);
          resolve(channel);
        });
      });
    try {
      return await channels.open(attempt);
    } catch (error) {
      throw isRefusal(error) ? new CommandFailed(host.name, { ...REFUSED, command: label }) : error;
    }
  };
  /** @param wanted a command that had to wait is not begun when nobody waits for it any more */
  const open = async (command: Command, label: string, redirection = '', wanted = () => true): Promise<Opened> => {
    const text = loginLine(`${redirection}${shellText(command)}`);
    let end: Opened['end'] | undefined;
    const channel = await openChannel<ClientChannel>(label, (done) => {
      if (!wanted()) return done(new CommandFailed(host.name, { ...TOO_LATE, command: label }), undefined as never);
      client.exec(text, (error, opened) => {
        if (!error) end = channelEnd(opened);
        done(error, opened);
      });
    });
    return { channel, end: end ?? channelEnd(channel) };
  };

  const run = async (command: Command, options: RunOptions = {}): Promise<CommandResult> => {
    const begun = performance.now();
    const label = options.label ?? shellText(command);
    const entry: Running = { stopping: false, giveUp: () => {} };
    const givenUp = new Promise<never>((_, reject) => {
      entry.giveUp = () => reject(new CommandFailed(host.name, { ...(entry.late ?? STUCK), command: label }));
    });
    let limits = NO_LIMITS;
    running.add(entry);
    const found = (group: number) => {
      entry.group = group;
      for (const tell of watchers) tell(group, true);
      if (entry.stopping) end(entry, group);
    };
    const asked = options.stdin !== undefined || (options.answers ?? []).length > 0;
    const opening = open(tellingGroup(command), label, asked ? '' : NO_INPUT, () => !entry.stopping);
    const heard: RunOptions = {
      ...options,
      onOutput: (stream, text) => {
        limits.heard();
        options.onOutput?.(stream, text);
      },
    };
    const collected = opening.then((opened) => {
      limits = watchTime(options, (late) => {
        entry.late = late;
        stop(entry);
      });
      return collect(opened, heard, found);
    });
    const { stdout, stderr, ending } = await Promise.race([collected, givenUp]).finally(() => {
      limits.end();
      forget(entry);
    });
    const seconds = (performance.now() - begun) / 1000;
    if (entry.late)
      throw new CommandFailed(host.name, {
        ...entry.late,
        ...ending,
        command: label,
        output: lastLines(stderr || stdout),
      });
    if (ending.exitCode === 0) return { stdout, stderr, seconds };
    const failed = failedStep(command, stderr);
    throw commandFailure(host.name, {
      ...ending,
      label: failed.step ?? label,
      stdout,
      stderr: failed.stderr,
    });
  };

  const spawn = async (command: Command): Promise<RemoteProcess> => asProcess(await open(command, shellText(command)));

  const forget = (entry: Running): void => {
    running.delete(entry);
    if (entry.group !== undefined && !closed) for (const tell of watchers) tell(entry.group, false);
  };
  const send = (group: number, signal: 'TERM' | 'KILL') =>
    open(signalGroup(group, signal), `send ${signal}`, SILENT).then(
      ({ channel }) => void channel.resume(),
      () => {}, // no connection any more
    );
  const stop = (entry: Running): void => {
    if (entry.stopping) return;
    entry.stopping = true;
    if (entry.group !== undefined) end(entry, entry.group);
    setTimeout(() => running.has(entry) && entry.giveUp(), PATIENCE + GRACE).unref();
  };
  const end = (entry: Running, group: number): void => {
    void send(group, 'TERM');
    setTimeout(() => running.has(entry) && void send(group, 'KILL'), PATIENCE).unref();
  };

  return {
    host,
    addresses,
    run,
    read: async (path) => {
      const label = `read ${path}`;
      const { channel, end } = await open(sh`exec cat ${path}`, label, NO_INPUT);
      const parts: Buffer[] = [];
      let stderr = '';
      channel.on('data', (part: Buffer) => parts.push(part));
      channel.stderr.on('data', (part: Buffer) => {
        stderr = (stderr + part).slice(-4000);
      });
      const ending = await end;
      if (ending.exitCode !== 0) throw commandFailure(host.name, { ...ending, label, stderr });
      return Buffer.concat(parts);
    },
    spawn,
    write: async (path, content, mode = 0o600) => {
      const part = `${path}.part`;
      const store = sh`umask 077; cat > ${part} && [ "$(wc -c < ${part})" -eq ${content.length} ] && chmod ${mode.toString(8)} ${part} && mv -f ${part} ${path} || { rm -f ${part}; exit 1; }`;
      await run(store, { stdin: content, label: `write ${path}` });
    },
    sendFile: fileSender((path) => openChannel<SFTPWrapper>(`sftp ${path}`, (done) => client.sftp(done)), gone, spawn),
    forward: forwardPorts(host.name, client),
    watch: (listener) => void watchers.push(listener),
    interrupt: () => {
      for (const entry of running) stop(entry);
    },
    close: async () => {
      client.end();
      const stuck = setTimeout(() => client.destroy(), 1000); // the other side is gone without a word
      await (closed || gone);
      clearTimeout(stuck);
    },
  };
};

/** What comes before a command: login shells write redirections in ways of their own. */
const NO_INPUT = 'exec </dev/null\n';
const SILENT = 'exec </dev/null >/dev/null 2>&1\n';

/** Milliseconds that a command has to end after TERM. */
const PATIENCE = 5000;

/** Milliseconds from KILL until a command is not waited for any longer: a child that detached itself holds its channel, or a disk hangs. */
const GRACE = 1000;

/** The host is there and says no to one channel more, in contrast to a connection that is gone. */
const isRefusal = (error: unknown): boolean => typeof (error as { reason?: unknown }).reason === 'number';

const REFUSED = {
  code: 'command',
  message: 'the host opens no channel, though none is open: does its sshd allow sessions (MaxSessions)?',
} as const;

const TOO_LATE = { code: 'interrupted', message: 'interrupted before it had begun' } as const;

const STUCK = { code: 'interrupted', message: 'interrupted; something that it started goes on' } as const;

/** A command that `run` is waiting for. */
interface Running {
  /** Its process group on the host, once it has told it. */
  group?: number;
  stopping: boolean;
  /** Set when it has taken longer than it may. */
  late?: Late;
  /** Ends the waiting, not the command. */
  giveUp: () => void;
}

const asProcess = ({ channel, end }: Opened): RemoteProcess => {
  channel.on('error', () => {});
  return {
    stdin: channel,
    stdout: channel,
    stderr: channel.stderr,
    exit: end,
    signal: (name) => channel.signal(name),
  };
};
