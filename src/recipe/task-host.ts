import type { Command } from '#protocol/shell.ts';
import type { CommandResult, HostFacts, Remote, RunOptions } from './remote.ts';

/**
 * A host inside a task. `within`, `as`, `with` and `umask` give the same host with a surrounding that holds for every
 * command; they can be stacked: `host.within(path).as('www-data').execute(['bin/warm', 'cache'])`.
 */
export interface TaskHost extends Remote, HostFacts {
  /** Runs a command. @throws CommandFailed on a non-zero exit, a signal, a timeout, or a connection that was lost */
  execute(command: Command, options?: RunOptions): Promise<CommandResult>;
  /** Whether a command ends with exit code 0. It should change nothing: a dry run runs it. @throws CommandFailed on anything but an exit code */
  test(command: Command, options?: RunOptions): Promise<boolean>;
  /** What a command prints, without white space at its ends unless `strip` is false. It should change nothing: a dry run runs it. */
  capture(command: Command, options?: CaptureOptions): Promise<string>;
  /** Puts a local file or directory (a path, relative to the config file), or bytes, on the host; a file is whole under its name or not there. */
  upload(source: string | Uint8Array, path: string, options?: UploadOptions): Promise<void>;
  /** Brings a file of the host to a local path, or returns its bytes. */
  download(path: string): Promise<Uint8Array>;
  download(path: string, localPath: string): Promise<void>;
  /** Commands run in this directory; relative ones start where the commands started so far, and `~` is the home directory. */
  within(directory: string): TaskHost;
  /** Commands run as another user, by sudo. A password that sudo asks for is asked for on the terminal, once for all hosts, and again where it was wrong. */
  as(user: string | { readonly user?: string; readonly group?: string }): TaskHost;
  /** Commands have these variables in their environment. */
  with(env: Readonly<Record<string, string | number | boolean>>): TaskHost;
  /** Commands make files with this mask, as '027'. */
  umask(mask: string): TaskHost;
}

export interface CaptureOptions extends RunOptions {
  /** @default true */
  readonly strip?: boolean;
}

export interface UploadOptions {
  /** Mode of a file, as 0o644. @default 0o644 */
  readonly mode?: number;
}
