import type { SshdFleet } from '../../support/sshd-fleet.ts';

/** What a tool is given to work with. */
export interface Workplace {
  /** Directory for the tool's own project. */
  readonly dir: string;
  /** Part of the names of applications: one fleet serves several. */
  readonly label: string;
  /** Top directory of Rookery's package. */
  readonly root: string;
  readonly fleet: Pick<SshdFleet, 'hosts' | 'user' | 'identityFile' | 'knownHostsFile'>;
  /** The application as a bare git repository. */
  readonly repository: string;
}

/** A program that deploys the application. */
export interface Tool {
  readonly name: string;
  /** Name of the application: every tool has a directory of its own on the hosts. */
  readonly application: string;
  /** Why it cannot take part, if so. */
  missing(): string | undefined;
  /** Writes its project. */
  prepare(): Promise<void>;
  /** One deploy. */
  command(): { readonly argv: readonly [string, ...string[]]; readonly cwd: string };
  /** Commands per host of the deploy that has just ended, by the tool's own record. */
  commandsPerHost(stdout: string): Promise<number>;
}

/** Releases that stay on a host: with two, every counted redeploy has one to remove. */
export const KEEP_RELEASES = 2;
