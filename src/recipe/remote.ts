import type { Duplex, Readable, Writable } from 'node:stream';
import type { HostError } from '#protocol/events.ts';
import type { Command } from '#protocol/shell.ts';

/** What recipes and reports may know of a host. */
export interface HostFacts {
  /** Unique in the fleet: the host as written, with its port where two share an address. */
  readonly name: string;
  /** Address or host name that SSH connects to. */
  readonly address: string;
  readonly port: number;
  readonly user: string;
  readonly roles: readonly string[];
  readonly primary: boolean;
  /** Takes part in tasks, but gets no release: a load balancer, a build host. */
  readonly noRelease?: boolean;
  /** What the configuration says of the host beside all this, for recipes. */
  readonly properties?: Readonly<Record<string, unknown>>;
  /** Absolute path of the application on this host. */
  readonly deployTo: string;
  /** What stands before absolute paths on an embedded host, which has a directory for a file system; `deployTo` has it already. */
  readonly root?: string;
  readonly zone?: string;
  /** Address under which neighbours reach this host, where it is not the one that SSH uses. */
  readonly peerAddress?: string;
}

/** A host that one can run commands on. `ssh/` implements it over a connection. */
export interface Remote {
  readonly host: HostFacts;
  /** Runs a command and waits. @throws CommandFailed on a non-zero exit, a signal, or a channel that closed without a verdict. */
  run(command: Command, options?: RunOptions): Promise<CommandResult>;
  /** Starts a command and leaves its streams to the caller: for a conversation with a program on the host. */
  spawn(command: Command): Promise<RemoteProcess>;
  /** Writes bytes to a file on the host; the file is whole or the promise rejects. `mode` defaults to 0o600. */
  write(path: string, content: Uint8Array, mode?: number): Promise<void>;
  /** The bytes of a file on the host. @throws CommandFailed */
  read(path: string): Promise<Uint8Array>;
  /** Sends a local file by SFTP, telling the bytes sent so far as it goes; rejects when it is told to stop, and has ended on the host by then. */
  sendFile(localPath: string, path: string, progress: (bytes: number) => void, stop?: AbortSignal): Promise<void>;
  /**
   * Lets programs of the host connect to this machine: its sshd listens on a port of 127.0.0.1 that it chooses, and every
   * connection there is handed to `accept`. Ends with the SSH connection. Resolves to the port. @throws CommandFailed where sshd refuses
   */
  forward(accept: (connection: Duplex) => void): Promise<number>;
  /** Tells of every process group on the host in which `run` runs commands, now or from now on, and of its end: one a command, and that of the shell for shared ones. */
  watch(listener: (group: number, runs: boolean) => void): void;
  /** This machine's address on the connection, and the host's own: what each of the two can be reached by. */
  readonly addresses: { readonly local: string; readonly remote: string };
}

export interface RunOptions {
  readonly stdin?: string | Uint8Array;
  /** Takes output as it comes, line by line or in parts. */
  readonly onOutput?: (stream: 'stdout' | 'stderr', text: string) => void;
  /** Does not show the output: it is for the program, not for people. */
  readonly quiet?: boolean;
  /** Words for the failure table in place of the command itself. */
  readonly label?: string;
  /** Changes nothing on the host: a dry run runs it. @default false */
  readonly reads?: boolean;
  /** Runs in one shell of the host with others like it, which costs less than a session: for what leaves nothing running, and has taken all of its input when it ends well. @default false */
  readonly shared?: boolean;
  /** Another exit code than 0 is an answer, and not shown as a failure. @default false */
  readonly mayFail?: boolean;
  /** Seconds after which the command is ended and has failed. @default those of the configuration, which has none by default */
  readonly timeout?: number;
  /** Seconds without any output after which the command is ended and has failed. @default likewise */
  readonly idleTimeout?: number;
  /** Replies to what the command asks on stdout or stderr; the first whose text shows up is given, each as often as it does. Not together with `stdin`. */
  readonly answers?: readonly Answering[];
}

export interface Answering {
  readonly when: string | RegExp;
  /** Given with a line end. */
  readonly reply: string | (() => Promise<string>);
  /** The question, a text of our own, is no output of the command's. @default false */
  readonly ours?: boolean;
}

export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
}

/** A program running on the host. Closing stdin is the usual way to end it. */
export interface RemoteProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when the channel has closed: exit code, or signal, or neither where the connection was lost. Never rejects. */
  readonly exit: Promise<{ readonly exitCode: number | null; readonly signal: string | null }>;
  signal(name: 'TERM' | 'KILL' | 'INT'): void;
}

/** A command that did not end with exit code 0. Carries the facts of a `HostError` except the task. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
  readonly host: string;
  readonly facts: Omit<HostError, 'task'>;
  constructor(host: string, facts: Omit<HostError, 'task'>) {
    super(`${host}: ${facts.message}`);
    this.host = host;
    this.facts = facts;
  }
}

/** Somebody else has been at a host whose connection was lost: the run cannot go on there. */
export class Overtaken extends CommandFailed {}

/** Whether a command failed for want of a connection: over another one it may do. */
export const isCutOff = (error: unknown): boolean =>
  error instanceof CommandFailed && error.facts.code === 'connection-lost' && !(error instanceof Overtaken);

/** How a command ended that should have ended with exit code 0. */
export interface CommandEnd {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** The command, or words for it. */
  readonly label: string;
  readonly stdout?: string;
  readonly stderr: string;
}

/** The error for a command's bad end. A signal, and an end without a verdict, are failures too (Capistrano: successes, sshkit#554). */
export const commandFailure = (host: string, end: CommandEnd): CommandFailed => {
  const output = lastLines(end.stderr.trim() === '' ? (end.stdout ?? '') : end.stderr);
  const facts = { command: end.label, exitCode: end.exitCode, signal: end.signal, output };
  if (end.signal !== null)
    return new CommandFailed(host, { code: 'signal', message: `killed by ${end.signal}`, ...facts });
  if (end.exitCode === null)
    return new CommandFailed(host, { code: 'connection-lost', message: 'the connection was lost', ...facts });
  return new CommandFailed(host, { ...explained(end.stderr, end.exitCode), ...facts });
};

const explained = (stderr: string, exitCode: number): Pick<HostError, 'code' | 'message'> => {
  // GNU tar names no cause where a part of a block still fitted
  if (/no space left|disk quota|wrote only \d+ of \d+ bytes|short write/i.test(stderr))
    return { code: 'disk-full', message: 'the disk is full' };
  if (/permission denied|read-only file system/i.test(stderr)) return { code: 'permission', message: 'no permission' };
  return { code: 'command', message: `exit code ${exitCode}` };
};

/** The end of an output, as much of it as a failure shows. */
export const lastLines = (text: string): string => text.trimEnd().split('\n').slice(-OUTPUT_LINES).join('\n');
const OUTPUT_LINES = 12;
