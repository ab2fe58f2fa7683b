import { describe, expect, test } from 'vitest';
import { configProblems } from '#config/check-config.ts';
import { archive, git } from '#config/define-config.ts';
import { overrideConfig } from '#config/override-config.ts';
import { resolveConfig } from '#config/resolve-config.ts';
import type { WrittenConfig } from '#config/written-config.ts';

const around = { user: 'ann', home: '/home/ann', directory: '/project' };
const written: WrittenConfig = {
  application: 'shop',
  source: git({ ref: 'main', repository: '/repo' }),
  keepReleases: 5,
  ssh: { user: 'deploy', port: 22 },
  stages: { production: { hosts: ['a'], ssh: { port: 2222 } }, staging: { hosts: ['b'] } },
};
const set = (...settings: string[]) => overrideConfig(written, 'production', settings);
const resolved = (...settings: string[]) => resolveConfig(set(...settings), 'production', around);

describe('--set', () => {
  test('wins over the stage, which wins over the top level; later ones win over earlier ones', () => {
    expect(resolved('keepReleases=2', 'keepReleases=3').keepReleases).toBe(3);
    expect(resolved('ssh.port=23').ssh).toMatchObject({ port: 23, user: 'deploy' });
    expect(resolved('ssh.user=root').ssh).toMatchObject({ port: 2222, user: 'root' });
  });

  test('reads JSON where it is JSON, and text otherwise', () => {
    expect(resolved('linkedDirs=["log","tmp"]').linkedDirs).toEqual(['log', 'tmp']);
    expect(resolved('strategy=sftp').strategy).toBe('sftp');
    expect(resolved('strategy="sftp"').strategy).toBe('sftp');
    expect(resolved('deployTo=/srv/a=b').deployTo).toBe('/srv/a=b');
    expect(resolved('source={"kind":"dir","path":"build"}').source).toEqual({ kind: 'dir', path: 'build' });
  });

  test('of a key inside of an object leaves the other keys of that object', () => {
    expect(resolved('source.ref=topic').source).toEqual({ kind: 'git', ref: 'topic', repository: '/repo' });
    expect(resolved('swarm.stallTimeout=3').swarm).toMatchObject({ ports: [42_000, 42_999], stallTimeout: 3 });
  });

  test('changes neither what was written nor the other stages', () => {
    const before = structuredClone(written);
    const after = set('ssh.port=23', 'source.ref=topic', 'keepReleases=1');
    expect(written).toEqual(before);
    expect(resolveConfig(after, 'staging', around)).toMatchObject({
      keepReleases: 5,
      source: { ref: 'main' },
      ssh: { port: 22 },
    });
  });

  test.each([
    ['keepReleases=many', 'stages.production.keepReleases: must be a number, is "many"'],
    ['ssh.port=99999', 'stages.production.ssh.port: must be at most 65535, is 99999'],
    ['keepRelease=3', "stages.production.keepRelease: unknown key; did you mean 'keepReleases'?"],
    ['ssh.prot=3', "stages.production.ssh.prot: unknown key; did you mean 'port'?"],
    ['hosts.kind=x', 'stages.production.hosts'],
    ['application=7', 'stages.production.application: must be a text, is 7'],
  ])('%s is checked as if it had been written', (setting, problem) => {
    expect(configProblems(set(setting))).toEqual(expect.arrayContaining([expect.stringContaining(problem)]));
  });

  test.each(['keepReleases', '=3', ''])('%j is a mistake in the command line', (setting) => {
    expect(() => set(setting)).toThrow(/write --set key=value/);
  });

  test('cannot reach the prototype of all objects', () => {
    set('__proto__.polluted=1', 'constructor.prototype.polluted=1');
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe('--ref', () => {
  test('is the ref of the source, for that stage alone, and is never read as a number', () => {
    const after = overrideConfig(written, 'production', [], '1234567');
    expect(resolveConfig(after, 'production', around).source).toEqual({
      kind: 'git',
      ref: '1234567',
      repository: '/repo',
    });
    expect(resolveConfig(after, 'staging', around).source).toMatchObject({ ref: 'main' });
  });

  test('is refused where the source is not git', () => {
    const other = { ...written, stages: { production: { hosts: ['a'], source: archive('a.tar') } } };
    expect(() => overrideConfig(other, 'production', [], 'main')).toThrow(
      '--ref is for a git source; this stage deploys archive',
    );
  });
});
