import type { PeerHandle } from '#peer/start-peer.ts';
import type { PeerAddress, Surroundings } from '#protocol/control.ts';
import { CommandFailed } from '#recipe/remote.ts';
import { isOwnAddress } from './host-address.ts';
import type { NetworkNotices } from './network-notices.ts';
import type { Distribution, Target } from './strategy.ts';
import type { Tracker } from './tracker.ts';

/** Where a host finds tracker and seeder, which run on this machine. */
export interface OriginRoute {
  readonly seeder: PeerAddress;
  /** Announce URLs. */
  readonly announce: readonly string[];
  /** Both come to it through its SSH connection. */
  readonly carried: boolean;
}

/**
 * How hosts reach this machine: at its address, or, where that does not lead here, through the SSH connections that it has
 * made itself. A host sees in its SSH connection under which address we come: where that is not ours, a NAT or a bastion
 * is between, and nothing is tried; else the address is tried by the peer itself, and the connection used when that fails.
 */
export interface OriginRoutes {
  /** What the host is told first. */
  choose(target: Target, around: Surroundings): Promise<OriginRoute>;
  /** The way through the SSH connection, for a host that does not reach the seeder; undefined where that is not to be had. */
  carry(target: Target, why: string): Promise<OriginRoute | undefined>;
}

interface OriginParts {
  readonly tracker: Tracker | undefined;
  readonly seeder: Pick<PeerHandle, 'port' | 'take'>;
  readonly reach: Distribution['reach'];
  readonly notices: NetworkNotices;
}

/** Nothing is forwarded yet. */
export const createOriginRoutes = ({ tracker, seeder, reach, notices }: OriginParts): OriginRoutes => {
  const direct = ({ remote }: Target): OriginRoute => ({
    seeder: { host: remote.addresses.local, port: seeder.port },
    announce: tracker ? [tracker.url(remote.addresses.local)] : [],
    carried: false,
  });

  const forward = async ({ remote }: Target): Promise<OriginRoute> => {
    const [port, trackerPort] = await Promise.all([
      remote.forward(seeder.take),
      tracker && remote.forward(tracker.take),
    ]);
    const announce = trackerPort === undefined ? [] : [`http://${LOOPBACK}:${trackerPort}/announce`];
    return { seeder: { host: LOOPBACK, port }, announce, carried: true };
  };

  const tryForward = async (target: Target, why: string): Promise<OriginRoute | undefined> => {
    const { name } = target.remote.host;
    try {
      const route = await forward(target);
      notices.carried(name, why);
      return route;
    } catch (error) {
      if (!(error instanceof CommandFailed)) throw error;
      notices.refused(name, error.facts.message);
      return undefined;
    }
  };

  return {
    choose: async (target, around) => {
      const why = reach === 'auto' ? strangeAddress(target, around) : 'swarm.reach says so';
      if (reach === 'direct' || why === undefined) return direct(target);
      return (await tryForward(target, why)) ?? direct(target);
    },
    carry: async (target, why) => (reach === 'direct' ? undefined : await tryForward(target, why)),
  };
};

const LOOPBACK = '127.0.0.1';

/** Under which address the host sees this machine, if that is not one of its own. */
const strangeAddress = ({ remote }: Target, { ssh }: Surroundings): string | undefined => {
  const seen = plain(ssh?.client ?? remote.addresses.local);
  if (seen === plain(remote.addresses.local) && isOwnAddress(seen)) return undefined;
  return seen === '' ? 'it is not known under which address they see this machine' : `they see this machine as ${seen}`;
};

/** Without the name of an interface. */
const plain = (address: string): string => address.replace(/%.*/, '').replace(/^::ffff:/, '');
