import type { Artifact, ResolvedSource } from '#artifact/artifact.ts';
import { makeArtifact } from '#artifact/make-artifact.ts';
import type { Config } from '#config/config.ts';
import type { Emit } from '#protocol/events.ts';
import type { Endings } from './endings.ts';

/** The one artifact of a run: made when it is first asked for, or begun before. */
export interface Packing {
  /** @param hosts how many are to get it. @throws UserError */
  artifact(source: ResolvedSource, hosts: number): Promise<Artifact>;
  /** Begins while there is something else to wait for, unless it has to be built first; whoever wants the artifact hears what went wrong. */
  begin(source: ResolvedSource, hosts: number): void;
  /** Ends it: nobody can use it any more. */
  stop(reason: unknown): void;
}

export interface PackingParts {
  readonly config: Pick<Config, 'build'>;
  /** Nothing is built in a dry run. */
  readonly dryRun: boolean;
  readonly scratch: string;
  readonly emit: Emit;
  readonly endings: Endings;
  readonly signal: AbortSignal;
}

/** What is still being packed when the run ends is ended before its directory is removed. */
export const makePacking = ({ config, dryRun, endings, ...parts }: PackingParts): Packing => {
  let packing: Promise<Artifact> | undefined;
  const over = new AbortController();
  const signal = AbortSignal.any([parts.signal, over.signal]);
  endings.add(() => {
    over.abort();
    return packing?.catch(() => {});
  });
  const build = dryRun ? [] : config.build;
  const artifact: Packing['artifact'] = (source, hosts) => {
    packing ??= makeArtifact({ ...parts, source, build, hosts, now: Date.now(), signal });
    return packing;
  };
  return {
    artifact,
    begin: (source, hosts) => {
      if (config.build.length === 0) artifact(source, hosts).catch(() => {});
    },
    stop: (reason) => over.abort(reason),
  };
};
