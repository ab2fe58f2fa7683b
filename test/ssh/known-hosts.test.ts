import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hostKeyAlgorithms, judgeHostKey, type KnownKey, keyTypeOf, knownKeys, lookupName } from '#ssh/known-hosts.ts';
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts';
import { needs } from '../support/tools.ts';

const ED = 'ssh-ed25519';
const found = (text: string, host: string, port = 22) => knownKeys([{ path: '/known', text }], lookupName(host, port));
const line = (names: string, key = 'AAAA') => `${names} ${ED} ${key} comment\n`;

describe('a line is for', () => {
  test.each([
    ['web1', 'web1', 22, true],
    ['web1', 'WEB1', 22, true],
    ['Web1', 'web1', 22, true],
    ['web1', 'web11', 22, false],
    ['web1', 'web1', 2222, false],
    ['[web1]:2222', 'web1', 2222, true],
    ['[web1]:2222', 'web1', 22, false],
    ['[web1]:2222', 'web1', 2223, false],
    ['web1,10.0.0.7', '10.0.0.7', 22, true],
    ['*.example.com', 'a.b.example.com', 22, true],
    ['*.example.com', 'example.com', 22, false],
    ['web?', 'web1', 22, true],
    ['web?', 'web', 22, false],
    ['*.example.com,!bad.example.com', 'bad.example.com', 22, false],
    ['*.example.com,!bad.example.com', 'good.example.com', 22, true],
    ['!bad.example.com', 'good.example.com', 22, false],
    ['[*.example.com]:2222', 'a.example.com', 2222, true],
    ['*', 'a', 2222, true],
    ['::1', '::1', 22, true],
    ['[::1]:2222', '::1', 2222, true],
    ['a.b', 'axb', 22, false],
    ['(a+b', '(a+b', 22, true],
  ])('%s: is %s at port %i meant? %s', (names, host, port, expected) => {
    expect(found(line(names), host, port)).toHaveLength(expected ? 1 : 0);
  });
});

test('comments, empty lines, half lines and tabs do no harm, and lines are counted', () => {
  const text = `# web1 ${ED} AAAA\n\n   \nweb1\nweb1 ${ED}\n\tweb1\t${ED}\tBBBB\r\n|1|zzz web1\n|1| ${ED} CCCC\n@unknown\n`;
  expect(found(text, 'web1')).toEqual([
    { file: '/known', line: 6, type: ED, key: 'BBBB', revoked: false, authority: false },
  ]);
});

test('the keys of several files are found together', () => {
  const files = [
    { path: '/a', text: line('web1', 'AAAA') },
    { path: '/b', text: `\n${line('web1', 'BBBB')}` },
  ];
  expect(knownKeys(files, 'web1').map(({ file, line, key }) => `${file}:${line} ${key}`)).toEqual([
    '/a:1 AAAA',
    '/b:2 BBBB',
  ]);
});

test('authorities are no host keys, revoked keys are marked', () => {
  const keys = found(`@cert-authority * ${ED} AAAA\n@revoked * ${ED} BBBB\n`, 'web1');
  expect(keys).toMatchObject([
    { key: 'AAAA', authority: true },
    { key: 'BBBB', revoked: true },
  ]);
  expect(judgeHostKey(keys, ED, 'AAAA')).toBe('unknown');
});

describe('the verdict', () => {
  const known = (...entries: [type: string, key: string, revoked?: boolean][]): KnownKey[] =>
    entries.map(([type, key, revoked = false], index) => ({
      file: '/known',
      line: index + 1,
      type,
      key,
      revoked,
      authority: false,
    }));

  test.each([
    ['known', known([ED, 'A'])],
    ['known', known([ED, 'B'], ['ssh-rsa', 'R'], [ED, 'A'])],
    ['changed', known([ED, 'B'])],
    ['changed', known([ED, 'B'], ['ssh-rsa', 'A2'])],
    ['unknown', known()],
    ['unknown', known(['ssh-rsa', 'R'])],
    ['revoked', known([ED, 'A', true])],
    ['revoked', known([ED, 'A'], [ED, 'A', true])],
    ['unknown', known([ED, 'B', true])],
  ] as const)('%s', (verdict, keys) => {
    expect(judgeHostKey(keys, ED, 'A')).toBe(verdict);
  });
});

describe('the algorithms asked for', () => {
  const key = (type: string, revoked = false): KnownKey => ({
    file: '',
    line: 1,
    type,
    key: 'A',
    revoked,
    authority: false,
  });

  test('are those of known keys first, and an RSA key stands for its newer signatures', () => {
    expect(hostKeyAlgorithms([])[0]).toBe(ED);
    expect(hostKeyAlgorithms([key('ssh-rsa')]).slice(0, 4)).toEqual(['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa', ED]);
    expect(hostKeyAlgorithms([key('ssh-rsa'), key('ecdsa-sha2-nistp256')])[0]).toBe('ecdsa-sha2-nistp256');
    expect(hostKeyAlgorithms([key('ecdsa-sha2-nistp256', true)])[0]).toBe(ED);
  });

  test('are always all of them, each once', () => {
    const all = hostKeyAlgorithms([]).toSorted();
    fc.assert(
      fc.property(fc.array(fc.constantFrom(ED, 'ssh-rsa', 'ecdsa-sha2-nistp521', 'ssh-dss', 'x')), (types) => {
        expect(hostKeyAlgorithms(types.map((type) => key(type))).toSorted()).toEqual(all);
      }),
    );
  });
});

test('any text is read without an error', () => {
  const word = fc.constantFrom(
    '|1|',
    '|',
    '@revoked',
    '@',
    'web1',
    '!',
    '*',
    '[',
    ']',
    '(',
    '\\',
    ',',
    ' ',
    '\n',
    '\t',
    ED,
    'AAAA',
    '#',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(word, fc.string({ maxLength: 5 }))), (words) => {
      for (const entry of found(words.join(''), 'web1')) expect(entry.key).not.toBe('');
    }),
    { numRuns: 500 },
  );
});

describe.skipIf(!needs('ssh-keygen'))('files and keys of ssh-keygen', () => {
  let dir: string;
  const keys = new Map<string, string>();
  const types = [
    ['ed25519', ED],
    ['ecdsa', 'ecdsa-sha2-nistp256'],
    ['rsa', 'ssh-rsa'],
  ] as const;
  beforeAll(async () => {
    dir = await makeTempDir('known');
    for (const [name, type] of types) {
      const file = join(dir, name);
      execFileSync('ssh-keygen', ['-q', '-t', name, '-N', '', '-f', file]);
      keys.set(type, readFileSync(`${file}.pub`, 'utf8').split(' ')[1]!);
    }
  });
  afterAll(() => removeTempDir(dir));

  const hosts = [
    ['web1.example.com', 22],
    ['10.0.0.7', 22],
    ['web1.example.com', 2222],
    ['::1', 2200],
  ] as const;

  test('hashed names are found, each by its host and port alone', async () => {
    const file = join(dir, 'known_hosts');
    const text = hosts
      .flatMap(([host, port]) => [...keys].map(([type, key]) => `${lookupName(host, port)} ${type} ${key}\n`))
      .join('');
    await writeFile(file, text);
    execFileSync('ssh-keygen', ['-q', '-H', '-f', file], { stdio: 'pipe' });
    const hashed = readFileSync(file, 'utf8');
    expect(hashed).not.toContain('web1');
    for (const [host, port] of hosts) {
      const entries = found(hashed, host, port);
      expect(entries.map(({ type, key }) => [type, key])).toEqual([...keys]);
      for (const { type, key } of entries) expect(judgeHostKey(entries, type, key)).toBe('known');
    }
    expect(found(hashed, 'WEB1.example.com')).toHaveLength(3);
    expect(found(hashed, 'web2.example.com')).toEqual([]);
    expect(found(hashed, 'web1.example.com', 2223)).toEqual([]);
  });

  test('plain names are found where ssh-keygen finds them', async () => {
    const file = join(dir, 'plain');
    const names = [
      'web1',
      'web1,web2',
      '*.example.com',
      '*.example.com,!bad.example.com',
      '[web1]:2222',
      '[*]:2222',
      'w?b1',
      '!web1,*',
      'WEB1',
    ];
    const asked = [
      ['web1', 22],
      ['web2', 22],
      ['web1', 2222],
      ['a.example.com', 22],
      ['bad.example.com', 22],
      ['example.com', 22],
    ] as const;
    for (const name of names) {
      await writeFile(file, `${name} ${ED} ${keys.get(ED)}\n`);
      for (const [host, port] of asked) {
        const theirs = spawnSync('ssh-keygen', ['-F', lookupName(host, port), '-f', file]).status === 0;
        expect([name, host, port, found(readFileSync(file, 'utf8'), host, port).length > 0]).toEqual([
          name,
          host,
          port,
          theirs,
        ]);
      }
    }
  });

  test('the type of a key is read from the key itself', () => {
    for (const [type, key] of keys) expect(keyTypeOf(Buffer.from(key, 'base64'))).toBe(type);
  });
});
