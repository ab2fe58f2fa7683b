import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Surroundings } from '#protocol/control.ts';
import type { Target } from './strategy.ts';

/** Addresses of a host for its neighbours to call. */
export interface HostAddresses {
  /** Where it should be reached; several where it is not known which of them the others see. Never empty. */
  readonly likely: readonly string[];
  /** Its other addresses, tried when nobody answers there. */
  readonly spare: readonly string[];
}

/**
 * Where the other hosts reach this one: at the address that the configuration names; else at its addresses in `network`, a
 * list of CIDRs; else where SSH reached it, as the host itself sees that, which holds behind a bastion, too. A host that is
 * seen under another address there, by a NAT of its own, has two that may be right.
 */
export const peerAddresses = (
  { remote }: Pick<Target, 'remote'>,
  { addresses = [], ssh }: Surroundings,
  network: readonly string[] = [],
): HostAddresses => {
  const { host } = remote;
  if (host.peerAddress !== undefined) return { likely: [host.peerAddress], spare: [] };
  const within = network.flatMap((cidr) => addresses.filter((address) => isWithin(address, cidr)));
  const connected = isIP(host.address) > 0 ? host.address : remote.addresses.remote;
  const likely = within.length > 0 ? within : [ssh?.server ?? '', connected].filter((address) => address !== '');
  const unique = [...new Set(likely)];
  return { likely: unique, spare: isLoopback(unique[0] ?? '') ? [] : addresses.filter((one) => !unique.includes(one)) };
};

/** Whether an address lies in a network, written as 10.0.0.0/8 or fd00::/8. */
export const isWithin = (address: string, cidr: string): boolean => {
  const [network = '', bits] = cidr.split('/');
  const family = isIP(address);
  if (family === 0 || family !== isIP(network)) return false;
  const list = new BlockList();
  const kind = family === 6 ? 'ipv6' : 'ipv4';
  list.addSubnet(network, Number(bits), kind);
  return list.check(address, kind);
};

export const isLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1';

/** Whether an address is one of this machine's. */
export const isOwnAddress = (address: string): boolean =>
  isLoopback(address) || Object.values(networkInterfaces()).some((all) => all?.some((own) => own.address === address));
