import type { NodePackage } from './node-packages.ts';
import type { RuntimeFile } from './obtain-runtime.ts';
import { type Receiver, type RuntimeError, receiveOverSsh, type Sending, sendRuntime } from './send-runtime.ts';

/** Brings hosts the runtime that each is to have. Resolves to what went wrong, by host; rejects when one cannot be had. */
export const bringRuntimes = async (
  receivers: readonly Receiver[],
  obtain: (runtime: NodePackage) => Promise<RuntimeFile>,
  sending: Sending,
): Promise<ReadonlyMap<string, RuntimeError>> => {
  const errors = new Map<string, RuntimeError>();
  const waiting = [...receivers];
  const work = async () => {
    for (let receiver = waiting.shift(); receiver !== undefined; receiver = waiting.shift()) {
      const error = await sendRuntime(receiver, await obtain(receiver.runtime), sending);
      if (error) errors.set(receiver.remote.host.name, error);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return errors;
};

/** As many as fill a link, and few enough that the first hosts are ready soon. */
const AT_ONCE = 4;

/** The same with hosts that only tell: a dry run. */
export const rehearseRuntimes = async (receivers: readonly Receiver[]): Promise<void> => {
  for (const receiver of receivers) await receiver.remote.spawn(receiveOverSsh(receiver));
};
