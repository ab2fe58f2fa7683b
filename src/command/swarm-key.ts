import { randomBytes } from 'node:crypto';
import { open, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { UserError } from '#recipe/user-error.ts';

/**
 * The key of a swarm as `--key` names it: a file of 64 hex digits that only its owner can read, as `swarm create --key` writes it and
 * `openssl rand -hex 32` prints it; `-` for the same on stdin. @throws UserError, exit code 2
 */
export const readKey = async (
  written: string | undefined,
  from: string,
  stdin: Readable & { readonly isTTY?: boolean },
): Promise<{ readonly key?: Uint8Array }> => {
  if (written === undefined) return {};
  if (written !== '-') return { key: parseKey(await readPrivate(resolve(from, written)), resolve(from, written)) };
  if (stdin.isTTY)
    throw new UserError('swarm: --key - takes the key from stdin, which is a terminal here: name a file', 2);
  return { key: parseKey(await text(stdin), 'stdin') };
};

/** Writes a new key, or leaves the one that is there and right. Resolves to the path. @throws UserError */
export const writeKey = async (written: string, from: string): Promise<string> => {
  const path = resolve(from, written);
  if (written === '-') throw new UserError('swarm create: --key writes the key to a file: name one', 2);
  try {
    await writeFile(path, `${randomBytes(KEY_BYTES).toString('hex')}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST')
      throw new UserError(`swarm create: cannot write the key ${path}: ${(error as Error).message}`);
    parseKey(await readPrivate(path), path);
  }
  return path;
};

const KEY_BYTES = 32;

/** What is read is what was looked at: the mode of the open file counts. */
const readPrivate = async (path: string): Promise<string> => {
  const file = await open(path).catch((error: Error) => {
    throw new UserError(`cannot read the key ${path}: ${error.message}`, 2);
  });
  try {
    const { mode } = await file.stat();
    if ((mode & 0o077) !== 0)
      throw new UserError(`others than its owner can use the key ${path}: \`chmod 600\` it, or make a new one`, 2);
    return await file.readFile('utf8');
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`cannot read the key ${path}: ${(error as Error).message}`, 2);
  } finally {
    await file.close();
  }
};

const parseKey = (content: string, where: string): Uint8Array => {
  const digits = content.trim();
  if (/^[0-9a-f]{64}$/i.test(digits)) return Buffer.from(digits, 'hex');
  throw new UserError(
    `${where} holds no key: that is 64 hex digits, as \`deploy swarm create --key FILE\` writes them`,
    2,
  );
};
