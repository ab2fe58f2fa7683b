import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseHost } from '#inventory/parse-host.ts';

test.each([
  ['web1', { address: 'web1' }],
  ['web1:2222', { address: 'web1', port: 2222 }],
  ['ann@web1', { address: 'web1', user: 'ann' }],
  ['ann@web1.example.com:1', { address: 'web1.example.com', user: 'ann', port: 1 }],
  ['ann@corp@web1', { address: 'web1', user: 'ann@corp' }],
  ['10.0.0.7:65535', { address: '10.0.0.7', port: 65535 }],
  ['::1', { address: '::1' }],
  ['fe80::1:2', { address: 'fe80::1:2' }],
  ['[::1]', { address: '::1' }],
  ['[::1]:2222', { address: '::1', port: 2222 }],
  ['ann@[2001:db8::7]:22', { address: '2001:db8::7', user: 'ann', port: 22 }],
  ['ann@2001:DB8::7', { address: '2001:DB8::7', user: 'ann' }],
])('%s', (text, host) => {
  expect(parseHost(text)).toEqual(host);
});

describe('is no host', () => {
  test.each([
    '',
    '@web1',
    'ann@',
    'web1:',
    'web1:0',
    'web1:65536',
    'web1:ssh',
    'my host',
    '[::1',
    '[web1]:22',
    '[::1]x',
    'web[1]',
    'web:1:2',
    ' web1',
    'web1\n',
  ])('%j', (text) => {
    expect(() => parseHost(text)).toThrow(/is not a host; write host, user@host or host:port/);
  });
});

test('an address of any kind comes back with its user and port', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6()),
      fc.option(fc.stringMatching(/^[a-z_][a-z0-9_.-]{0,15}$/), { nil: undefined }),
      fc.option(fc.integer({ min: 1, max: 65535 }), { nil: undefined }),
      (address, user, port) => {
        const host = address.includes(':') && port !== undefined ? `[${address}]` : address;
        const text = `${user === undefined ? '' : `${user}@`}${host}${port === undefined ? '' : `:${port}`}`;
        expect(parseHost(text)).toEqual({
          address,
          ...(user === undefined ? {} : { user }),
          ...(port === undefined ? {} : { port }),
        });
      },
    ),
  );
});
