import type { Command } from '#protocol/shell.ts';
import type { LocalOptions } from '#recipe/task-context.ts';

/** What tasks do on this machine. The stages that can are joined to it in `src/`. */
export interface LocalWork {
  /** Runs a command, its output told; resolves to its stdout. @throws UserError when it fails */
  readonly run: (command: Command, options: LocalOptions) => Promise<string>;
  /** A file as it is, or a directory packed as a tar. @throws UserError where there is none */
  readonly open: (
    path: string,
  ) => Promise<{ readonly path: string; readonly directory: boolean; close(): Promise<void> }>;
  readonly write: (path: string, bytes: Uint8Array) => Promise<void>;
}
