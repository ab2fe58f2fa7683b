import { type Command, sh } from '#protocol/shell.ts';
import { type NodePackage, runtimeName } from './node-packages.ts';

/** Where a runtime is on a host, below the directory of all of them. */
export const runtimePath = (runtimes: string, runtime: NodePackage): string =>
  `${runtimes}/${runtimeName(runtime)}/node`;

export interface RuntimeSource {
  /** Directory of all runtimes on the host. */
  readonly runtimes: string;
  readonly runtime: NodePackage;
  /** Prints the runtime on the host; on file descriptor 3 it may answer the deployer. */
  readonly source: Command;
  /** Whether what it prints is compressed by gzip. */
  readonly compressed: boolean;
}

/**
 * Puts a runtime into a host's directory in place of older ones. It is hashed as it comes, and run for the first time when
 * that is right and all of it is on the disk (by openssl first: it takes a fifth of the processor time of sha256sum); whatever goes wrong, or is cut off, leaves nothing behind.
 */
export const receiveRuntime = ({ runtimes, runtime, source, compressed }: RuntimeSource): Command => {
  const path = runtimePath(runtimes, runtime);
  const directory = path.slice(0, path.lastIndexOf('/'));
  return sh`
exec 3>&1
part=${`${runtimes}/node.part`}
umask 077
mkdir -p ${runtimes} || exit 1
trap 'rm -f "$part"' EXIT
trap 'exit 1' HUP INT PIPE TERM
hash() {
  if command -v openssl >/dev/null; then openssl dgst -r -sha256
  elif command -v sha256sum >/dev/null; then sha256sum
  else shasum -a 256; fi
}
h=$(${source} | ${compressed ? sh`gzip -dc` : sh`cat`} | tee "$part" | hash)
[ "\${h%% *}" = ${runtime.sha256} ] || { echo "its SHA-256 is \${h%% *}" >&2; exit ${NOT_WHOLE}; }
[ "$(wc -c < "$part")" -eq ${runtime.bytes} ] || exit ${NOT_WHOLE}
chmod 700 "$part" && "$part" --version >/dev/null || exit ${CANNOT_RUN}
rm -rf ${runtimes}/*/ && mkdir ${directory} && mv -f "$part" ${path}
# receive the runtime`;
};

/** Exit codes of `receiveRuntime`; a shell's own are 126 and 127. */
export const NOT_WHOLE = 103;
export const CANNOT_RUN = 104;
