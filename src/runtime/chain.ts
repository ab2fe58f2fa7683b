import { randomBytes } from 'node:crypto';
import type { RuntimeFile } from './obtain-runtime.ts';
import { canRelay, type Receiver, type Receiving, type RuntimeError, startReceiver } from './receiver.ts';

/** Where a chain may listen, and how long it may be silent. */
export interface ChainNetwork {
  /** First and last TCP port. */
  readonly ports: readonly [number, number];
  /** Seconds in which no byte moves, after which it is given up. */
  readonly stallTimeout: number;
  readonly signal: AbortSignal;
  /** Takes a host that cannot reach the one after it, with the reason. */
  readonly unreachable: (from: string, to: string, at: Listening, why: string) => void;
}

/** Where a relay listens. */
export interface Listening {
  readonly port: number;
  readonly addresses: readonly string[];
}

/** Hosts of which each gets the stream from the one before it, and the first from the deployer. */
export type Chain = readonly Receiving[];

export interface Started {
  readonly chains: readonly Chain[];
  readonly errors: ReadonlyMap<Receiver, RuntimeError>;
}

/**
 * Starts the receivers of hosts and links each to the one after it. Where that one cannot be reached, or nothing there can
 * listen, another chain begins, which the deployer feeds by itself: so hosts that reach each other are one chain.
 */
export const startChains = async (receivers: readonly Receiver[], network: ChainNetwork): Promise<Started> => {
  const relaying = receivers.length > 1;
  const errors = new Map<Receiver, RuntimeError>();
  const started = await Promise.all(
    receivers.map(async (receiver) => {
      const link = await startLink(receiver, relaying && canRelay(receiver), network);
      if ('receiving' in link) return [link];
      errors.set(receiver, link);
      return [];
    }),
  );
  const links = started.flat();
  const linked = await Promise.all(
    links.map(async ({ receiving, relays }, place) => {
      const next = links[place + 1];
      if (!relays || next?.listening === undefined) return false;
      const { port, addresses } = next.listening;
      const answer = await receiving.ask(`next ${next.token} ${port} ${addresses.join(' ')}`);
      if (answer?.[0] === 'linked') return true;
      const why = answer?.[1] ?? 'it does not answer';
      network.unreachable(
        receiving.receiver.remote.host.name,
        next.receiving.receiver.remote.host.name,
        next.listening,
        why,
      );
      return false;
    }),
  );
  const chains: Receiving[][] = [];
  for (const [place, { receiving, relays }] of links.entries()) {
    const goesOn = place > 0 && linked[place - 1] === true;
    if (goesOn) chains.at(-1)!.push(receiving);
    else chains.push([receiving]);
    if (relays) receiving.tell(goesOn ? 'take' : 'take-stdin');
  }
  return { chains, errors };
};

/** A receiver, where it relays with what others need to call it. */
interface Link {
  readonly receiving: Receiving;
  readonly relays: boolean;
  readonly token: string;
  readonly listening?: Listening | undefined;
}

/** Starts a receiver. A relay that says nothing is no relay: a Perl without its modules, for one. */
const startLink = async (receiver: Receiver, relays: boolean, network: ChainNetwork): Promise<Link | RuntimeError> => {
  const receiving = await startReceiver(receiver, relays);
  if (!('receiver' in receiving)) return receiving;
  const token = randomBytes(16).toString('hex');
  if (!relays) return { receiving, relays, token };
  const answer = await receiving.ask(`listen ${token} ${placeOf(receiver)} ${network.ports.join(' ')}`);
  if (answer) return { receiving, relays, token, listening: readListening(receiver, answer) };
  receiving.giveUp({ code: 'transfer', message: 'its relay does not work' });
  await receiving.ended;
  return startLink(receiver, false, network);
};

const readListening = ({ addresses }: Receiver, answer: readonly string[]): Listening | undefined => {
  if (answer[0] !== 'listening') return undefined;
  const [, port, connection = '', own = ''] = answer;
  const [client = '', , server = ''] = connection.split(' ');
  const around = {
    addresses: own.split(' ').filter((address) => address !== '' && !address.startsWith('127.') && address !== '::1'),
    ...(server === '' ? {} : { ssh: { client, server } }),
  };
  return { port: Number(port), addresses: addresses(around) };
};

/** What a relay binds to: everything, but on a loopback address that address. */
const placeOf = ({ address }: Receiver): string => (address.startsWith('127.') || address === '::1' ? address : '*');

/** Sends the runtime down a chain. Resolves when all are over, to what went wrong on which. */
export const feedChain = async (
  chain: Chain,
  file: RuntimeFile,
  { stallTimeout, signal }: ChainNetwork,
): Promise<ReadonlyMap<Receiver, RuntimeError>> => {
  const giveUp = (error: RuntimeError) => {
    for (const receiving of chain) receiving.giveUp(error);
  };
  const stalled = () => giveUp({ code: 'transfer', message: `no byte of the runtime moved for ${stallTimeout} s` });
  const interrupted = () => giveUp({ code: 'interrupted', message: 'interrupted' });
  let timer = setTimeout(stalled, stallTimeout * 1000);
  signal.addEventListener('abort', interrupted);
  if (signal.aborted) interrupted();
  else
    chain[0]!.feed(file, () => {
      clearTimeout(timer);
      timer = setTimeout(stalled, stallTimeout * 1000);
    });
  const ends = await Promise.all(chain.map(({ ended }) => ended));
  clearTimeout(timer);
  signal.removeEventListener('abort', interrupted);
  return new Map(chain.flatMap(({ receiver }, place) => (ends[place] ? [[receiver, ends[place]] as const] : [])));
};
