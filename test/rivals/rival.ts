import type { Content } from '../support/content.ts';
import type { SshdFleet, SshdHost } from '../support/sshd-fleet.ts';

/** A tool that deploys, with a project of its own on the hosts. Scenarios are written in its terms, once for all tools. */
export interface Rival {
  readonly tool: 'capistrano' | 'rookery';
  readonly application: string;
  /** The git repository that is deployed. */
  readonly dir: string;
  readonly hosts: readonly SshdHost[];
  readonly fleet: SshdFleet;
  /** Commits files on main. Resolves to the commit's hash. */
  commit(files: Content): Promise<string>;
  /** Runs words of its command line on the stage, to the end. */
  run(words?: readonly string[], options?: RivalOptions): Promise<RivalRun>;
  start(words: readonly string[], options?: RivalOptions): RunningRival;
  /** The commands that the last run has told of, of all hosts. */
  commands(run: RivalRun): Promise<readonly string[]>;
  remove(): Promise<void>;
}

export interface RivalOptions {
  /** Where a deploy shall fail on the last host: `updated` or `restart`; or `push`: a commit comes while hosts are updated. */
  readonly failAt?: 'updated' | 'restart' | 'push';
  readonly branch?: string;
  readonly user?: string;
  /** A linked file that no host has. */
  readonly linkedFile?: string;
  /** More variables of the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Seconds after which it is killed. @default 60 */
  readonly timeout?: number;
}

export interface RivalRun {
  /** Null where it had to be killed. */
  readonly exitCode: number | null;
  readonly output: string;
}

export interface RunningRival {
  /** Resolves when a text has shown up in its output. */
  seen(text: RegExp): Promise<void>;
  interrupt(): void;
  readonly result: Promise<RivalRun>;
}

export interface RivalProject {
  readonly fleet: SshdFleet;
  readonly application: string;
  readonly keepReleases?: number;
  readonly linkedDirs?: readonly string[];
}
