import { createHash } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sh } from '#protocol/shell.ts';
import { receiveFile } from '#swarm/receive-file.ts';
import { findShells, runIn } from '../support/shells.ts';
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts';

const cases = findShells().map((shell) => ({ shell, title: shell.name }));

describe.each(cases)('receiving an artifact ($title)', ({ shell }) => {
  let dir: string;
  let path: string;
  beforeEach(async () => {
    dir = await makeTempDir('receive');
    path = join(dir, "it's.tar");
  });
  afterEach(() => removeTempDir(dir));
  const receive = (content: string, expected: string, to = path) => {
    const sha256 = createHash('sha256').update(expected).digest('hex');
    return runIn(
      shell,
      sh`printf %s ${content} | { ${receiveFile(to, sha256, expected.length)}
}`.text,
    );
  };

  test('stores it for its owner alone, in place of what was left there', async () => {
    await writeFile(path, 'an older and longer one', { mode: 0o666 });
    expect(await receive('new', 'new')).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await readFile(path, 'utf8')).toBe('new');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test('takes no byte more than it should', async () => {
    expect(await receive('whole and what follows', 'whole')).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await readFile(path, 'utf8')).toBe('whole');
  });

  test('refuses another content, with both hashes', async () => {
    const { exitCode, stderr } = await receive('cut', 'whole');
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^the SHA-256 is [0-9a-f]{64}, it should be [0-9a-f]{64}\n$/);
  });

  test('does not verify what could not be stored', async () => {
    const { exitCode, stderr } = await receive('new', 'new', join(dir, 'missing/it.tar'));
    expect(exitCode).not.toBe(0);
    expect(stderr).not.toContain('SHA-256');
    expect(await readdir(dir)).toEqual([]);
  });
});
