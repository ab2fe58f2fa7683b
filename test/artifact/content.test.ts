import { execFileSync } from 'node:child_process';
import { chmod, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { resolveContent } from '#artifact/resolve-content.ts';
import { findContent } from '../../src/distribution.ts';
import { writeContent } from '../support/content.ts';
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts';

let dir: string;
beforeAll(async () => {
  dir = await makeTempDir('content');
  await writeContent(dir, { 'a file': { text: 'x', mode: 0o640 }, 'site/index': 'x' });
  await utimes(join(dir, 'a file'), 1_700_000_000.9, 1_700_000_000.9);
  await chmod(join(dir, 'site'), 0o750);
  execFileSync('mkfifo', [join(dir, 'pipe')]);
});
afterAll(() => removeTempDir(dir));

test('a file travels as it is, a directory as its entries', async () => {
  const file = await resolveContent(join(dir, 'a file'));
  expect(file).toMatchObject({
    kind: 'file',
    name: 'a file',
    mode: 0o640,
    modified: 1_700_000_000,
    file: join(dir, 'a file'),
  });
  expect(await resolveContent(join(dir, 'site'))).toMatchObject({ kind: 'directory', name: 'site', mode: 0o750 });
});

test.each([
  ['missing', /there is no file or directory .*missing/],
  ['pipe', /pipe is neither a file nor a directory/],
])('%s is refused', async (name, message) => {
  await expect(resolveContent(join(dir, name))).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringMatching(message),
  });
});

test('a slash at the end of a target is for files, and a directory never becomes the root', async () => {
  const to = async (name: string, target: string) =>
    (await findContent({ path: join(dir, name), to: target, remove: false })).to;
  expect([await to('a file', '/x/'), await to('site', '/x/'), await to('a file', '/')]).toEqual(['/x/', '/x', '/']);
  await expect(to('site', '/')).rejects.toMatchObject({ exitCode: 2 });
});
