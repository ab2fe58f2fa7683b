import process from 'node:process';
import { createInterface } from 'node:readline';
import { setFlagsFromString } from 'node:v8';
import { decodeOrder, encodeControl, type FetchOrder, type PeerOrder, type PeerReport } from '#protocol/control.ts';
import { PeerError, toPeerError } from './peer-error.ts';
import { type PeerHandle, startPeer } from './start-peer.ts';
import { lookAround } from './surroundings.ts';
import { VERSION } from './version.ts';

/**
 * The program that runs on every host: orders on stdin, reports on stdout, both JSON lines. The channel is its life: when
 * stdin closes, or nobody reads stdout any more, it ends, so that no peer outlives the deploy that started it.
 */
const OLDEST_NODE = 18;

/**
 * A peer works for seconds: optimizing its code took V8 an eighth of the processor time of 256 MiB, and won nothing back;
 * at 2 GiB it makes no difference. An engine without the flag says so on stderr and goes on.
 */
setFlagsFromString('--no-opt');

/** A goodbye to the trackers takes no longer than this once nobody listens any more. */
const GOODBYE_MS = 2000;

const report = (value: PeerReport): void => void process.stdout.write(`${encodeControl(value)}\n`);

/** Ends the program when what was reported has been written. */
const exit = (code: number): void => {
  process.exitCode = code;
  process.stdout.write('', () => process.exit(code));
};

const fail = (error: unknown): void => {
  if (process.exitCode !== undefined) return; // ending already
  const { code, message } = toPeerError(error);
  report({ kind: 'failed', code, message });
  exit(1);
};

const main = (): void => {
  const { SSH_CONNECTION } = process.env;
  report({ kind: 'hello', version: VERSION, node: process.versions.node, ...lookAround(SSH_CONNECTION) });
  if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
    fail(new PeerError('runtime', `Node ${OLDEST_NODE} or newer is needed, this is ${process.versions.node}`));
    return;
  }
  const conversation = createConversation();
  createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })
    .on('line', (line) => void conversation.obey(line).catch(fail))
    .on('close', () => {
      if (conversation.isStopping()) setTimeout(() => process.exit(), GOODBYE_MS);
      else process.exit();
    });
};

/** Carries out orders one after the other: `fetch` first, once. */
const createConversation = () => {
  let peer: Promise<PeerHandle> | undefined;
  let stopping = false;

  const fetch = async (order: FetchOrder): Promise<void> => {
    if (peer !== undefined) throw new PeerError('order', 'a second fetch order');
    peer = startFetching(order);
    void (await peer).failed.then(() => exit(1));
  };

  const stop = async (running: PeerHandle): Promise<void> => {
    const { downloaded, uploaded } = await running.stop();
    report({ kind: 'stopped', downloaded, uploaded });
    exit(0);
  };

  const carryOut = async (order: PeerOrder): Promise<void> => {
    if (order.kind === 'fetch') return fetch(order);
    if (peer === undefined) throw new PeerError('order', `${order.kind} before fetch`);
    stopping ||= order.kind === 'stop';
    const running = await peer;
    if (order.kind === 'stop') return stop(running);
    running.addPeers(order.peers);
    running.addTrackers(order.announce ?? []);
  };

  return {
    isStopping: () => stopping,
    obey: async (line: string): Promise<void> => {
      if (line.trim() !== '') await carryOut(decodeOrder(line));
    },
  };
};

const startFetching = (order: FetchOrder): Promise<PeerHandle> => {
  const metainfo = Buffer.from(order.metainfo, 'base64');
  const { path, sha256, announce, ports, introduced, listen, address, zone, key } = order;
  return startPeer({
    ...{ metainfo, path, sha256, announce, ports, report, naps: true },
    ...(introduced === undefined ? {} : { introduced }),
    ...(listen === undefined ? {} : { listen }),
    ...(address === undefined ? {} : { address }),
    ...(zone === undefined ? {} : { zone }),
    ...(key === undefined ? {} : { key: Buffer.from(key, 'base64') }),
  });
};

process.stdin.on('error', () => process.exit());
process.stdout.on('error', () => process.exit());
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
main();
