import { setTimeout as pause } from 'node:timers/promises';
import type { Host } from '#inventory/host.ts';
import { type Command, failedStep, sh, shellText } from '#protocol/shell.ts';
import { keepTail } from '#recipe/process-output.ts';
import {
  type CommandEnd,
  CommandFailed,
  type CommandResult,
  commandFailure,
  lastLines,
  type Remote,
  type RemoteProcess,
  type RunOptions,
} from '#recipe/remote.ts';
import { collect } from './channel.ts';
import { makeChannels } from './channels.ts';
import { makeHostShell } from './host-shell.ts';
import { ChannelRefused, type Link } from './link.ts';
import { signalGroup, tellingGroup } from './process-group.ts';
import { makeRunning } from './running.ts';
import { fileSender } from './send-file.ts';
import { type Late, NO_LIMITS, watchTime } from './time-limits.ts';

/** A logged-in host: one connection, as many channels as there are commands at the moment. */
export interface Session extends Remote {
  readonly host: Host;
  /** Resolves when there is no connection any more. */
  readonly lost: Promise<void>;
  /** Opens the shell for shared commands ahead of the first. */
  enterShell(): void;
  /** Ends it when it has nothing to do: no shared command is to come. */
  leaveShell(): void;
  /** Ends every command that `run` is waiting for, by TERM, then KILL; programs that were spawned are their starters' matter. */
  interrupt(): void;
  /** Ends the connection; commands still running on the host lose their channels. */
  close(): Promise<void>;
}

/** Makes a `Remote` of a connection. */
export const makeSession = (host: Host, link: Link): Session => {
  let loss: string | undefined;
  void link.gone.then((cause) => {
    loss = cause;
  });

  const failure = (end: CommandEnd): CommandFailed => {
    const failed = commandFailure(host.name, end);
    if (failed.facts.code !== 'connection-lost' || !loss) return failed;
    return new CommandFailed(host.name, { ...failed.facts, message: `${failed.facts.message}: ${loss}` });
  };
  const lost = (label: string) => failure({ exitCode: null, signal: null, label, stderr: '' });
  const channels = makeChannels(
    (error) => error instanceof ChannelRefused,
    () => void shell.leave(),
  );
  /** @param start rejects with a ChannelRefused, a CommandFailed, or because the connection is lost */
  const openChannel = async <C>(
    label: string,
    start: () => Promise<C>,
    closing: (channel: C) => Promise<unknown>,
  ): Promise<C> => {
    try {
      return await channels.open(
        (opened) =>
          new Promise((resolve, reject) => {
            if (loss !== undefined) return reject(lost(label));
            void link.gone.then(() => reject(lost(label)));
            start().then((channel) => {
              opened(closing(channel));
              resolve(channel);
            }, reject);
          }),
      );
    } catch (error) {
      if (error instanceof CommandFailed) throw error;
      throw error instanceof ChannelRefused
        ? new CommandFailed(host.name, { ...REFUSED, command: label })
        : lost(label);
    }
  };
  /** @param check throws where a command that had to wait for its channel is not wanted any more */
  const open = (command: Command, label: string, redirection = '', check = () => {}): Promise<RemoteProcess> =>
    openChannel(
      label,
      async () => {
        check();
        return link.exec(`${redirection}${shellText(command)}`);
      },
      ({ exit }) => exit,
    );
  const running = makeRunning({
    send: (group, signal) => void send(group, signal),
    leaveShell: () => void shell.leave(),
    isLost: () => loss !== undefined,
  });
  const shell = makeHostShell({ entered: running.enteredShell, left: running.leftShell });

  const run = async (command: Command, options: RunOptions = {}): Promise<CommandResult> => {
    const begun = performance.now();
    const label = options.label ?? shellText(command);
    const { stdin, answers = [] } = options;
    const asked = stdin !== undefined || answers.length > 0;
    const shared = options.shared === true && answers.length === 0 && shell.isFree(stdin !== undefined);
    let late: Late | undefined;
    let giveUp = () => {};
    const givenUp = new Promise<never>((_, reject) => {
      giveUp = () => reject(new CommandFailed(host.name, { ...(late ?? STUCK), command: label }));
    });
    const entry = running.begin(shared, () => giveUp());
    let limits = NO_LIMITS;
    const check = () => {
      if (entry.stopping) throw new CommandFailed(host.name, { ...TOO_LATE, command: label });
    };
    const begin = (redirection: string) => (text: string) => open({ kind: 'shell', text }, label, redirection, check);
    const opening = shared
      ? shell.exec(shellText(command), begin(''), check, stdin)
      : begin(asked ? '' : NO_INPUT)(shellText(tellingGroup(command)));
    const heard: RunOptions = {
      ...{ answers, ...(stdin === undefined || shared ? {} : { stdin }) },
      onOutput: (stream, text) => {
        limits.heard();
        options.onOutput?.(stream, text);
      },
    };
    const collected = opening.then((opened) => {
      limits = watchTime(options, (why) => {
        late = why;
        running.stop(entry);
      });
      return collect(opened, heard, shared ? undefined : (group) => running.found(entry, group));
    });
    const { stdout, stderr, ending } = await Promise.race([collected, givenUp]).finally(() => {
      limits.end();
      running.forget(entry);
    });
    const seconds = (performance.now() - begun) / 1000;
    if (late)
      throw new CommandFailed(host.name, {
        ...(late as Late),
        ...ending,
        command: label,
        output: lastLines(stderr || stdout),
      });
    if (ending.exitCode === 0) return { stdout, stderr, seconds };
    const failed = failedStep(command, stderr);
    throw failure({
      ...ending,
      label: failed.step ?? label,
      stdout,
      stderr: failed.stderr,
    });
  };

  const spawn = (command: Command): Promise<RemoteProcess> => open(command, shellText(command));

  const send = (group: number, signal: 'TERM' | 'KILL') =>
    open(signalGroup(group, signal), `send ${signal}`, SILENT).then(
      ({ stdout, stderr }) => void [stdout.resume(), stderr.resume()],
      () => {}, // no connection any more
    );
  return {
    host,
    addresses: link.addresses,
    lost: link.gone.then(() => {}),
    run,
    read: async (path) => {
      const label = `read ${path}`;
      const program = await open(sh`exec cat ${path}`, label, NO_INPUT);
      const parts: Buffer[] = [];
      const stderr = keepTail(program.stderr);
      program.stdout.on('data', (part: Buffer) => parts.push(part));
      const ending = await program.exit;
      if (ending.exitCode !== 0) throw failure({ ...ending, label, stderr: stderr() });
      return Buffer.concat(parts);
    },
    spawn,
    write: async (path, content, mode = 0o600) => {
      const part = `${path}.part`;
      const store = sh`umask 077; cat > ${part} && [ "$(wc -c < ${part})" -eq ${content.length} ] && chmod ${mode.toString(8)} ${part} && mv -f ${part} ${path} || { rm -f ${part}; exit 1; }`;
      await run(store, { stdin: content, label: `write ${path}` });
    },
    sendFile: fileSender(
      async (path) =>
        link.sftp &&
        openChannel(`sftp ${path}`, link.sftp, (sftp) => new Promise((resolve) => sftp.once('close', resolve))),
      link.gone,
      spawn,
    ),
    forward: link.forward,
    watch: running.watch,
    enterShell: () => shell.enter((text) => open({ kind: 'shell', text }, 'a shell')),
    leaveShell: () => void shell.leave(),
    interrupt: running.interrupt,
    close: async () => {
      await Promise.race([shell.leave(), link.gone, pause(LEAVE, undefined, { ref: false })]);
      await link.close();
    },
  };
};

/** What comes before a command: login shells write redirections in ways of their own. */
const NO_INPUT = 'exec </dev/null\n';
const SILENT = 'exec </dev/null >/dev/null 2>&1\n';

/** Milliseconds that the shell has to end before the connection does: a host that says nothing any more is not waited for. */
const LEAVE = 500;

const REFUSED = {
  code: 'command',
  message: 'the host opens no channel, though none is open: does its sshd allow sessions (MaxSessions)?',
} as const;

const TOO_LATE = { code: 'interrupted', message: 'interrupted before it had begun' } as const;

const STUCK = { code: 'interrupted', message: 'interrupted; something that it started goes on' } as const;
