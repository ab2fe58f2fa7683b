import type { Commit } from '#protocol/events.ts';
import type { ArtifactFacts } from '#recipe/task-context.ts';

/** The one file that every host gets: a tar, or a file as it is, with the hashes that prove it. */
export interface Artifact extends ArtifactFacts {
  /** Where it is on this machine. */
  readonly path: string;
  /** SHA-256 of the whole, 64 hex digits. */
  readonly sha256: string;
  readonly pieceLength: number;
  /** SHA-1 of every piece, 20 bytes each, concatenated (BEP 3). */
  readonly pieceHashes: Uint8Array;
  /** SHA-256 of every piece, 32 bytes each, concatenated: what hosts verify. */
  readonly pieceSha256: Uint8Array;
}

/** A source once it is known what exactly will be deployed; making it touches no host. */
export type ResolvedSource = SourceFacts & (Packable | WholeFile);

export interface SourceFacts {
  readonly label: string;
  /** 40 hex digits, where the source knows them before packing. */
  readonly revision?: string;
  /** Seconds since 1970, likewise. */
  readonly revisionTime?: number;
  /** Gets what packing needs besides, once; resolves to what the user should know of it, a line each. */
  readonly prepare?: () => Promise<readonly string[]>;
  /** What lies between a deployed revision and this one; undefined where the revision is not known. Absent where the source has no history. */
  readonly compare?: (deployed: string) => Promise<Difference | undefined>;
}

export interface Packable {
  /** The entries to pack, after the build steps have run. */
  readonly entries: (work: Workplace) => AsyncIterable<Entry>;
}

/** The commits, newest first, that a deploy would bring, and those that it would take away. */
export interface Difference {
  readonly commits: readonly Commit[];
  readonly dropped: readonly Commit[];
}

/** A file that travels as it is. */
export interface WholeFile {
  readonly file: string;
}

/** What packing may use: a directory of its own, and a way to run local commands. */
export interface Workplace {
  readonly directory: string;
  readonly build: readonly string[];
  readonly runLocal: (command: string, cwd: string) => Promise<void>;
  readonly signal: AbortSignal;
}

/** One member of the tar. `name` is relative, with `/`, without a trailing one. */
export interface Entry {
  readonly name: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'link';
  /** Permission bits, 0 to 0o7777. */
  readonly mode: number;
  readonly mtime: Date;
  readonly size: number;
  /** Target of a symlink or hard link. */
  readonly linkname?: string;
  /** Content of a file: all of it, or a stream of exactly `size` bytes. */
  readonly content?: Uint8Array | NodeJS.ReadableStream;
}
