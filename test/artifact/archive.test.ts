import { execFileSync } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { chmod, link, mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import tar from 'tar-stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { archive } from '#config/define-config.ts';
import { UserError } from '#recipe/user-error.ts';
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts';
import { pack, unpacked } from './pack.ts';

let base: string;
const makeTar = (name: string, ...args: string[]) =>
  execFileSync('tar', [...args, '-cf', join(base, name), '-C', join(base, 'app'), '.']);
const refused = async (name: string): Promise<string> => {
  const error = await pack(archive(name), base).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(UserError);
  return (error as UserError).message;
};

beforeEach(async () => {
  base = await makeTempDir('archive');
  const app = join(base, 'app');
  await mkdir(join(app, 'bin/empty'), { recursive: true });
  await writeFile(join(app, 'bin/run'), '#!');
  await chmod(join(app, 'bin/run'), 0o4750);
  await link(join(app, 'bin/run'), join(app, 'hard'));
  await symlink('../nowhere', join(app, 'bin/link'));
  await writeFile(join(app, 'grüße'), 'ä');
  await mkdir(join(app, 'd'.repeat(200)));
  await writeFile(join(app, 'd'.repeat(200), 'f'.repeat(255)), 'long');
});
afterEach(() => removeTempDir(base));

const content = () => ({
  bin: '755/',
  'bin/empty': '755/',
  'bin/link': '-> ../nowhere',
  'bin/run': '4750 "#!"',
  ['d'.repeat(200)]: '755/',
  [`${'d'.repeat(200)}/${'f'.repeat(255)}`]: '644 "long"',
  grüße: '644 "ä"',
  hard: '4750 "#!"',
});

describe('an archive arrives as it left', () => {
  test.each([
    ['app.tar', '--format=gnu'],
    ['app.tar', '--format=pax'],
    ['app.tar.gz', '--format=pax', '--gzip'],
    ['app.tgz', '--format=gnu', '--gzip'],
  ])('%s %s', async (name, ...args) => {
    makeTar(name, ...args);
    const packed = await pack(archive(name), base);
    expect(await unpacked(packed)).toEqual(content());
    expect(packed.artifact).toMatchObject({ label: `Archive ${name}`, files: 5 });
  });

  test('also where one file in it holds many megabytes', async () => {
    await writeFile(join(base, 'app/big'), Buffer.alloc(5_000_000, 'abc'));
    makeTar('app.tar.gz', '--gzip');
    expect((await unpacked(await pack(archive('app.tar.gz'), base))).big).toBe('644 "5000000 bytes"');
  });

  test('but for .git, and for what its own .deployignore names, wherever that lies in it', async () => {
    await mkdir(join(base, 'app/lib/.git'), { recursive: true });
    await writeFile(join(base, 'app/lib/.git/config'), '');
    await writeFile(join(base, 'app/.deployignore'), 'd*/\nhard\n');
    makeTar('app.tar', '--sort=name');
    expect(Object.keys(await unpacked(await pack(archive('app.tar'), base)))).toEqual([
      '.deployignore',
      'bin',
      'bin/empty',
      'bin/link',
      'bin/run',
      'grüße',
      'lib',
    ]);
  });

  test('made by a build step', async () => {
    const packed = await pack(archive('made.tar'), base, { build: ['tar -cf made.tar -C app grüße'] });
    expect(await unpacked(packed)).toEqual({ grüße: '644 "ä"' });
  });
});

describe('an archive is refused in words', () => {
  const made = async (name: string, ...headers: (Partial<tar.Header> & { name: string })[]) => {
    const pack = tar.pack();
    for (const header of headers) pack.entry(header, header.type === undefined ? 'x' : '');
    pack.finalize();
    await finished(pack.pipe(createWriteStream(join(base, name))));
  };

  test.each(['../x', 'a/../../x', '/etc/x', 'a/..'])('that holds %s', async (name) => {
    await made('bad.tar', { name: 'good' }, { name });
    expect(await refused('bad.tar')).toMatch(/lies outside the archive/);
  });

  test('with a hard link to what is outside', async () => {
    await made('bad.tar', { name: 'x', type: 'link', linkname: '../../etc/passwd' });
    expect(await refused('bad.tar')).toMatch(/passwd lies outside/);
  });

  test('with a device', async () => {
    await made('bad.tar', { name: 'null', type: 'character-device' });
    expect(await refused('bad.tar')).toMatch(/null is a character-device and cannot be deployed/);
  });

  test('with a name that is not UTF-8', async () => {
    await writeFile(Buffer.concat([Buffer.from(`${base}/app/caf`), Buffer.from([0xe9])]), 'x');
    makeTar('latin.tar', '--format=gnu');
    expect(await refused('latin.tar')).toMatch(/not UTF-8/);
  });

  test('that is cut short, is no archive, or is empty', async () => {
    for (const [name, ...args] of [['cut.tar'], ['cut.tgz', '--gzip']] as const) {
      await writeFile(
        join(base, 'app/zz'),
        Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * i * 7919) % 251)),
      );
      makeTar(name, '--sort=name', ...args);
      await truncate(join(base, name), name === 'cut.tar' ? 50_000 : 1000);
      expect(await refused(name)).toMatch(/is not a tar archive that can be read/);
    }
    for (const name of ['text.tar', 'text.tar.gz']) {
      await writeFile(join(base, name), 'this is no archive. '.repeat(100));
      expect(await refused(name)).toMatch(/is not a tar archive that can be read/);
    }
    await writeFile(join(base, 'none.tar'), '');
    expect(await refused('none.tar')).toMatch(/nothing to deploy/);
  });

  test('that does not exist, before anything else', async () => {
    expect(await refused('missing.tar')).toMatch(/archive missing.tar does not exist/);
    expect(await refused('app')).toMatch(/archive app is not a file/);
  });
});
