import { describe, expect, test } from 'vitest';
import type { Remote } from '#recipe/remote.ts';
import { isWithin, peerAddresses } from '#swarm/host-address.ts';

const target = (host: object, remote: string) => ({
  remote: { host: { address: 'web1', ...host }, addresses: { local: '192.0.2.1', remote } } as unknown as Remote,
  ...{ path: '', cache: '' },
});
const around = {
  addresses: ['192.168.0.7', '10.1.0.7', 'fd00::7', '172.17.0.1'],
  ssh: { client: '192.0.2.1', server: '192.168.0.7' },
};

describe('the address for neighbours is', () => {
  test('what the configuration says, whatever else there is', () => {
    const found = peerAddresses(target({ peerAddress: '10.9.9.9' }, '198.51.100.7'), around, ['10.1.0.0/16']);
    expect(found).toEqual({ likely: ['10.9.9.9'], spare: [] });
  });

  test('that in the networks of the configuration, in their order', () => {
    const { likely, spare } = peerAddresses(target({}, '198.51.100.7'), around, ['fd00::/8', '10.0.0.0/8']);
    expect(likely).toEqual(['fd00::7', '10.1.0.7']);
    expect(spare).toEqual(['192.168.0.7', '172.17.0.1']);
  });

  test('where SSH came, as both ends see it, where the host has none in those networks', () => {
    expect(peerAddresses(target({}, '192.168.0.7'), around, ['10.2.0.0/16']).likely).toEqual(['192.168.0.7']);
    expect(peerAddresses(target({}, '198.51.100.7'), around).likely).toEqual(['192.168.0.7', '198.51.100.7']);
  });

  test('behind a bastion what the host sees, and never the name that only the bastion knows', () => {
    expect(peerAddresses(target({}, ''), around).likely).toEqual(['192.168.0.7']);
    expect(peerAddresses(target({ address: '10.1.0.7' }, '203.0.113.1'), {}).likely).toEqual(['10.1.0.7']);
  });

  test('of loopback without spare ones: everything is on this machine', () => {
    expect(peerAddresses(target({}, '127.1.2.3'), { addresses: around.addresses })).toEqual({
      ...{ likely: ['127.1.2.3'], spare: [] },
    });
  });
});

test.each([
  ['10.1.2.3', '10.0.0.0/8', true],
  ['11.1.2.3', '10.0.0.0/8', false],
  ['10.1.2.3', '0.0.0.0/0', true],
  ['10.1.2.3', '10.1.2.3/32', true],
  ['fd00::1', 'fd00::/8', true],
  ['fd00::1', '10.0.0.0/8', false],
  ['10.1.2.3', 'fd00::/8', false],
  ['web1', '10.0.0.0/8', false],
])('%s in %s: %s', (address, cidr, within) => {
  expect(isWithin(address, cidr)).toBe(within);
});
