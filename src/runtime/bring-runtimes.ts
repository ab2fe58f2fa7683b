import { type ChainNetwork, feedChain, startChains } from './chain.ts';
import type { NodePackage } from './node-packages.ts';
import type { RuntimeFile } from './obtain-runtime.ts';
import { canRelay, type Receiver, type RuntimeError, receiverCommand } from './receiver.ts';

/** What came of it. */
export interface Brought {
  /** How often a runtime left this machine. */
  readonly copies: number;
  /** What went wrong, by name of host. */
  readonly errors: ReadonlyMap<string, RuntimeError>;
}

/**
 * Brings hosts the runtime that each is to have: down a chain, so that about one copy leaves this machine. Hosts that got
 * nothing whole because one before them failed are a chain of their own then. Rejects when a runtime cannot be had.
 */
export const bringRuntimes = async (
  receivers: readonly Receiver[],
  obtain: (runtime: NodePackage) => Promise<RuntimeFile>,
  network: ChainNetwork,
): Promise<Brought> => {
  const kinds = new Set(receivers.map(({ runtime }) => runtime));
  const results = await Promise.all(
    [...kinds].map(async (kind) => {
      const file = await obtain(kind);
      return sendAll(
        receivers.filter(({ runtime }) => runtime === kind),
        file,
        network,
      );
    }),
  );
  return {
    copies: results.reduce((sum, { copies }) => sum + copies, 0),
    errors: new Map(
      results.flatMap(({ errors }) => [...errors].map(([{ remote }, error]) => [remote.host.name, error])),
    ),
  };
};

const sendAll = async (
  receivers: readonly Receiver[],
  file: RuntimeFile,
  network: ChainNetwork,
): Promise<{ copies: number; errors: Map<Receiver, RuntimeError> }> => {
  const { chains, errors: unstarted } = await startChains(inOrder(receivers), network);
  const errors = new Map(unstarted);
  const again: Receiver[] = [];
  const waiting = [...chains];
  const work = async () => {
    for (let chain = waiting.shift(); chain !== undefined; chain = waiting.shift()) {
      const failed = await feedChain(chain, file, network);
      for (const [receiver, error] of failed) {
        if (error.code === 'verify' && receiver !== chain[0]!.receiver) again.push(receiver);
        else errors.set(receiver, error);
      }
    }
  };
  await Promise.all(Array.from({ length: FED_AT_ONCE }, work));
  const sent = { copies: chains.length, errors };
  if (again.length === 0 || network.signal.aborted) return sent;
  const more = await sendAll(again, file, network);
  return { copies: sent.copies + more.copies, errors: new Map([...errors, ...more.errors]) };
};

/** As many as fill a link, and few enough that the first are ready soon. */
const FED_AT_ONCE = 4;

/** Those that can pass it on first, and those of a zone beside each other: between zones one copy travels. */
const inOrder = (receivers: readonly Receiver[]): Receiver[] => {
  const zone = ({ remote }: Receiver) => remote.host.zone ?? '';
  return receivers.toSorted(
    (a, b) => Number(canRelay(b)) - Number(canRelay(a)) || (zone(a) < zone(b) ? -1 : zone(a) > zone(b) ? 1 : 0),
  );
};

/** The same with hosts that only tell: a dry run. */
export const rehearseRuntimes = async (receivers: readonly Receiver[]): Promise<void> => {
  const several = receivers.length > 1;
  for (const receiver of inOrder(receivers))
    await receiver.remote.spawn(receiverCommand(receiver, several && canRelay(receiver)));
};
