import type { ListedRelease } from '#protocol/events.ts';

/** What `deploy:check` found on a host, before anything was changed. */
export interface HostState {
  /** Name of the release that `current` points to; absent where there is no `current`. */
  readonly current?: string;
  /** What the link `current` holds, as it is written there. */
  readonly link?: string;
  readonly releases: readonly ReleaseFacts[];
  /** Version of the host's own Node, as `v20.1.0`; absent where there is none. */
  readonly node?: string;
  /** What decides which programs run there. */
  readonly platform: HostPlatform;
  /** Files of our own programs that the host keeps from earlier deploys. */
  readonly programs: readonly string[];
  /** Free bytes on the file system of the application. */
  readonly freeBytes: number;
  /** What must be mended on the host before a deploy can start, one sentence each. */
  readonly problems: readonly string[];
}

export interface HostPlatform {
  /** The processor, as `uname -m` says it; absent where there is no uname. */
  readonly machine?: string;
  /** Absolute paths of the loaders of programs that are there: which libc it has. */
  readonly loaders: readonly string[];
  /** Version of glibc, as `2.36`; absent where it does not say. */
  readonly glibc?: string;
  /** Programs of the host that we can make use of, by name. */
  readonly tools: readonly string[];
  /** Runtimes that the host keeps from earlier deploys, by the name of their directory. */
  readonly runtimes: readonly string[];
  /** False where nothing below `deployTo` may be run: it is mounted noexec. */
  readonly runsPrograms: boolean;
}

export interface ReleaseFacts {
  readonly name: string;
  readonly state: ReleaseState;
  readonly revision?: string;
  readonly by?: string;
  /** ISO 8601, when it was published or begun. */
  readonly at?: string;
}

/**
 * `building` until it is unpacked and linked, `ready` until `current` has pointed to it, then `published`. `failed` where a
 * run ended before that, or was undone, and the release could not be removed; `bad` once a rollback has left it. `foreign`
 * releases were made by another tool (Capistrano) and count as published.
 */
export type ReleaseState = ListedRelease['state'];
