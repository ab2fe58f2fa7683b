import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Selection, selectHosts } from '#inventory/select-hosts.ts';
import type { UserError } from '#recipe/user-error.ts';
import { inventoryOf } from './hosts.ts';

const fleet = inventoryOf([
  'web[1:4].example.com',
  { host: 'db1', roles: ['db'] },
  { host: '10.0.0.7', roles: ['app', 'db'] },
]);
const chosen = (selection: Selection) => selectHosts(fleet, selection).map(({ name }) => name);

test('without conditions every host is chosen, in order', () => {
  expect(selectHosts(fleet, {})).toEqual(fleet);
});

test('by role: one of them is enough', () => {
  expect(chosen({ roles: ['db'] })).toEqual(['db1', '10.0.0.7']);
  expect(chosen({ roles: ['db', 'app'] })).toHaveLength(6);
});

describe('by name', () => {
  test.each([
    [['db1'], ['db1']],
    [['web*'], ['web1.example.com', 'web2.example.com', 'web3.example.com', 'web4.example.com']],
    [['*1*'], ['web1.example.com', 'db1', '10.0.0.7']],
    [
      ['10.0.0.7', 'db1'],
      ['db1', '10.0.0.7'],
    ],
    [['*'], fleet.map(({ name }) => name)],
    [['w*2.*.com'], ['web2.example.com']],
    [['!web*'], ['db1', '10.0.0.7']],
    [
      ['web*', '!web2*', '!web3*'],
      ['web1.example.com', 'web4.example.com'],
    ],
  ])('%j', (hosts, names) => {
    expect(chosen({ hosts })).toEqual(names);
  });

  test('the rest of a pattern is taken as it is: a dot is a dot', () => {
    expect(() => chosen({ hosts: ['web1-example-com'] })).toThrow(/no host/);
    expect(() => chosen({ hosts: ['web1.example.co.'] })).toThrow(/no host/);
    expect(() => chosen({ hosts: ['(web1'] })).toThrow(/no host '\(web1'/);
    expect(() => chosen({ hosts: ['web1'] })).toThrow(/no host 'web1'/);
  });

  test('a host on a port of its own is found by its name and by its address', () => {
    const ports = inventoryOf(['a:1', 'a:2']);
    expect(selectHosts(ports, { hosts: ['a:1'] }).map(({ port }) => port)).toEqual([1]);
    expect(selectHosts(ports, { hosts: ['a'] })).toHaveLength(2);
  });
});

test('every condition must hold', () => {
  expect(chosen({ roles: ['app'], hosts: ['*1*'], limit: '1' })).toEqual(['web1.example.com']);
});

describe('by number', () => {
  test.each([
    ['1', 1],
    ['3', 3],
    ['100', 6],
    ['1%', 1],
    ['25%', 2],
    ['50%', 3],
    ['51%', 4],
    ['100%', 6],
    ['200%', 6],
  ])('%s', (limit, count) => {
    expect(chosen({ limit })).toEqual(fleet.slice(0, count).map(({ name }) => name));
  });

  test('a share is of the hosts that the other conditions leave, and never of none', () => {
    expect(chosen({ roles: ['db'], limit: '50%' })).toEqual(['db1']);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), (percent) => {
        const count = chosen({ limit: `${percent}%` }).length;
        expect(count).toBe(Math.ceil((fleet.length * percent) / 100));
      }),
    );
  });

  test.each(['0', '0%', '-1', 'x', '', '1.5', '5 %'])('%j is refused', (limit) => {
    expect(() => chosen({ limit })).toThrow(/--limit .*: write a number of hosts/);
  });
});

describe('no match is an error that says what there is', () => {
  const refused = (selection: Selection): UserError => {
    try {
      chosen(selection);
    } catch (error) {
      expect(error).toMatchObject({ exitCode: 2 });
      return error as UserError;
    }
    throw new Error('nothing was refused');
  };

  test('of a role or a host that nobody has, also beside one that somebody has', () => {
    expect(refused({ roles: ['app', 'cache'] }).message).toBe(
      "the selection matches no host: no role 'cache'. There are: app, db",
    );
    expect(refused({ hosts: ['web*', 'mail*', 'ftp'] }).message).toMatch(
      /no host 'mail\*', 'ftp'\. There are: web1\.example\.com, .*10\.0\.0\.7$/,
    );
  });

  test('of both together', () => {
    expect(refused({ roles: ['db'], hosts: ['web*'] }).message).toMatch(/no host has both/);
  });

  test('of a large fleet, without listing all of it', () => {
    const large = inventoryOf(['web[1:1000]']);
    expect(() => selectHosts(large, { hosts: ['x'] })).toThrow(/There are: web1, .*web12, … \(1000\)$/);
  });
});
