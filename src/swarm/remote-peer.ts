import { decodeReport, encodeControl, type PeerOrder, type PeerReport } from '#protocol/control.ts';
import { ProtocolError } from '#protocol/protocol-error.ts';
import { eachLine, keepTail } from '#recipe/process-output.ts';
import type { RemoteProcess } from '#recipe/remote.ts';
import { failureWords } from './failure-words.ts';
import { type PeerBundle, uploadBundle } from './peer-bundle.ts';
import { NO_BUNDLE, NO_RUNTIME, peerCommand } from './runtime.ts';
import type { Target, TransferError } from './strategy.ts';

export interface RemotePeer {
  order(order: PeerOrder): void;
  /** Kills it, and closes its stdin, which ends it where the host takes no signals. */
  end(): void;
  /** Resolves when the program is gone: undefined after a good end, otherwise why. */
  readonly gone: Promise<TransferError | undefined>;
}

/**
 * Starts the peer program on a host, sending it first where the host has not got this version; its first word is the test
 * of what runs it: where the host's own Node does not get so far, another one is brought. Once all is over nobody waits for a
 * first word any longer: a host whose disk hangs never says one.
 */
export const startRemotePeer = async (
  target: Target,
  bundle: PeerBundle,
  onReport: (report: PeerReport) => void,
  over: Promise<void>,
): Promise<RemotePeer> => {
  let sent = false;
  let { node } = target;
  for (;;) {
    const peer = await launch({ ...target, ...(node === undefined ? {} : { node }) }, bundle, onReport);
    const begun = await Promise.race([peer.begun, over.then(() => 'well')]);
    if (begun === 'without-bundle' && !sent) {
      await uploadBundle(target, bundle);
      sent = true;
    } else if (begun === 'badly' && node === undefined) {
      node = await target.insteadOfNode?.();
      if (node === undefined) return peer;
    } else return peer;
  }
};

/** How a program began: it said a word, or ended without one, for want of itself or for another reason. */
type Begun = 'well' | 'without-bundle' | 'badly';

/** The steps of a start on a host that only tells what it would do. */
export const rehearsePeer = async (target: Target, bundle: PeerBundle, cached: boolean): Promise<void> => {
  const command = peerCommand(`${target.cache}/${bundle.name}`, target.node);
  await target.remote.spawn(command);
  if (cached) return;
  await uploadBundle(target, bundle);
  await target.remote.spawn(command);
};

const launch = async ({ remote, cache, node }: Target, bundle: PeerBundle, onReport: (report: PeerReport) => void) => {
  const program = await remote.spawn(peerCommand(`${cache}/${bundle.name}`, node));
  let failure: TransferError | undefined;
  let begin: (how: Begun) => void = () => {};
  const begun = new Promise<Begun>((resolve) => {
    begin = resolve;
  });
  const stderr = keepTail(program.stderr);
  eachLine(program.stdout, (line) => {
    const report = readReport(line);
    if (report?.kind === 'failed') failure = { code: failureCode(report.code), message: failureWords(report) };
    if (report?.kind === 'hello') begin('well');
    if (report) onReport(report);
  });
  program.stdin.on('error', () => {}); // it has ended; its end tells why
  const gone = program.exit.then((end): TransferError | undefined => {
    const lost = end.exitCode === null && end.signal === null;
    begin(end.exitCode === NO_BUNDLE ? 'without-bundle' : lost ? 'well' : 'badly');
    if (failure || end.exitCode === 0) return failure;
    return explainEnd(end, stderr().trim());
  });
  return {
    begun,
    gone,
    order: (order: PeerOrder) => void program.stdin.write(`${encodeControl(order)}\n`),
    end: () => {
      program.signal('KILL'); // ssh2 sends none after the end of stdin
      program.stdin.end();
    },
  };
};

const explainEnd = ({ exitCode, signal }: Awaited<RemoteProcess['exit']>, output: string): TransferError => {
  const common = { command: 'node peer.cjs', exitCode, signal, output };
  if (exitCode === NO_RUNTIME)
    return {
      code: 'runtime',
      message: "there is no Node.js on this host: install Node 18 or newer, or use strategy: 'sftp'",
    };
  if (signal !== null) return { code: 'signal', message: `the peer was killed by ${signal}`, ...common };
  if (exitCode === null) return { code: 'connection-lost', message: 'the connection was lost', ...common };
  return { code: 'transfer', message: `the peer ended with exit code ${exitCode}`, ...common };
};

const failureCode = (code: string): TransferError['code'] =>
  code === 'disk-full' || code === 'permission' || code === 'verify' || code === 'runtime' || code === 'bug'
    ? code
    : 'transfer';

/** A line that is no report comes from a noisy profile or a warning of the runtime: not ours to judge. */
const readReport = (line: string): PeerReport | undefined => {
  try {
    return decodeReport(line);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
};
