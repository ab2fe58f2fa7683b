import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { PeerAddress } from '#protocol/control.ts';
import type { Handshake } from '#protocol/handshake.ts';
import type { ExtendedMessage, Message } from '#protocol/message.ts';
import type { Geometry } from '#torrent/geometry.ts';
import type { CloseReason, PeerKey, SwarmEvent } from '#torrent/swarm-event.ts';
import { createAddressBook } from './address-book.ts';
import { type BlockSplitter, createBlockSplitter } from './block-splitter.ts';
import { accept, type Connection, type ConnectionOptions, dial } from './connection.ts';
import { introduce, readIntroduction } from './extensions.ts';
import type { FirstTries } from './first-tries.ts';
import type { Mismatch, Transport } from './transport.ts';
import type { Turn } from './turn.ts';

/**
 * All connections of a peer, made and taken. Two peers often call each other at once; both ends must then keep the same
 * connection, so of two young ones that of the caller with the lower id stays, and later ones are turned away.
 */
export interface Links {
  get(peer: PeerKey): Connection | undefined;
  /** Sends a message as the neighbour takes it. */
  send(peer: PeerKey, message: Message): void;
  /** Connections, made or in the making. */
  count(): number;
  /** Takes over an incoming connection. */
  take(socket: Duplex): void;
  addPeers(addresses: readonly PeerAddress[]): void;
  /** Calls those that are due; wanted every moment or so. */
  callDue(): void;
  /** Ends a connection the swarm no longer wants, and does not call that address again if there is no use in it. */
  close(peer: PeerKey, reason: CloseReason): void;
  closeAll(): void;
}

export interface LinksOptions {
  readonly geometry: Geometry;
  readonly hello: Handshake;
  readonly maxMessage: number;
  readonly transport: Transport;
  readonly turn: Turn;
  /** Where this peer says it is; default: nothing is said. */
  readonly zone?: string;
  readonly random: () => number;
  /** Milliseconds, never going back. */
  readonly now: () => number;
  readonly tries: Pick<FirstTries, 'begun' | 'reached' | 'ended'>;
  onEvent(event: SwarmEvent): void;
  /** Who called, or was called, is none of this swarm; the port is known only of who was called. */
  onStranger(host: string, mismatch: Mismatch, port?: number): void;
}

interface Link {
  readonly key: PeerKey;
  readonly address: PeerAddress | undefined;
  readonly since: number;
  connection: Connection;
  peerId: string | undefined;
  readonly blocks: BlockSplitter;
}

const MAX_OUTGOING = 40;
const MAX_LINKS = 120;
const YOUNG_MS = 2000;

/** Requests that a neighbour lets stand unless it says otherwise. */
const USUAL_REQUESTS = 250;

/** No connections yet. */
export const createLinks = (options: LinksOptions): Links => {
  const { geometry, hello, maxMessage, transport, turn, random, now, tries, onEvent } = options;
  const book = createAddressBook(random);
  const links = new Map<PeerKey, Link>();
  const byId = new Map<string, Link>();
  const banned = new Set<string>();
  const introduction = introduce(options.zone);
  const ownId = hex(hello.peerId);
  let lastKey = 0;
  let closing = false;

  const open = (
    address: PeerAddress | undefined,
    caller: string | undefined,
    start: (options: ConnectionOptions) => Connection,
  ): void => {
    const key = ++lastKey;
    const connection = start({
      ...{ hello, maxMessage, transport, turn },
      onHandshake: (theirs) => meet(link, theirs),
      onMessage: (message) => hear(link, message),
      onSent: (bytes) => onEvent({ type: 'uploaded', peer: key, bytes }),
      onReached: () => address && tries.reached(address),
      onClose: (code, mismatch) => {
        if (address !== undefined) tries.ended(address, code);
        const host = address?.host ?? caller;
        if (mismatch !== undefined && host !== undefined) options.onStranger(host, mismatch, address?.port);
        part(link);
      },
    });
    const blocks = createBlockSplitter(geometry);
    const link: Link = { key, address, connection, since: now(), peerId: undefined, blocks };
    links.set(key, link);
    if (address !== undefined) tries.begun(address);
  };

  const hear = (link: Link, received: Message): void => {
    if (received.type === 'extended') {
      learn(link, received);
      return;
    }
    const message = link.blocks.incoming(received);
    if (message !== undefined) onEvent({ type: 'message', peer: link.key, message });
  };

  const learn = (link: Link, message: ExtendedMessage): void => {
    const told = readIntroduction(message);
    if (told === undefined) return;
    if ((told.largestBlock ?? 0) >= geometry.blockBytes) link.blocks.allowLarge();
    allow(link, told.requests);
    if (told.zone !== undefined) onEvent({ type: 'placed', peer: link.key, zone: told.zone });
  };

  const allow = (link: Link, requests = USUAL_REQUESTS): void =>
    onEvent({ type: 'allows', peer: link.key, requests: link.blocks.requests(requests) });

  const meet = (link: Link, { peerId, fast, extended }: Handshake): void => {
    const id = hex(peerId);
    if (link.address !== undefined) book.met(link.address, id);
    if (id === ownId && link.address !== undefined) book.strike(link.address);
    const rival = byId.get(id);
    if (id === ownId || banned.has(id) || (rival !== undefined && !replaces(link, rival, id))) {
      link.connection.close();
      return;
    }
    if (rival !== undefined) part(rival);
    link.peerId = id;
    byId.set(id, link);
    if (extended && hello.extended) link.connection.send(introduction);
    onEvent({ type: 'connected', peer: link.key, fast: fast && hello.fast });
    allow(link);
  };

  const replaces = (link: Link, rival: Link, id: string): boolean => {
    const byLower = ({ connection }: Link): boolean => connection.outgoing === ownId < id;
    return now() - rival.since < YOUNG_MS && byLower(link) && !byLower(rival);
  };

  /** The connection is over: the swarm hears of it if it knew the peer. */
  const part = (link: Link): void => {
    if (!links.delete(link.key)) return;
    link.connection.close();
    if (link.address !== undefined) book.failed(link.address, now(), now() - link.since);
    if (link.peerId === undefined) return;
    byId.delete(link.peerId);
    onEvent({ type: 'disconnected', peer: link.key });
  };

  /** Whoever calls and does not introduce himself shall not keep out who does: the first of them goes. */
  const makeRoom = (): void => {
    for (const link of links.values()) {
      if (link.address !== undefined || link.peerId !== undefined) continue;
      part(link);
      return;
    }
  };

  const outgoing = (): number => {
    let count = 0;
    for (const link of links.values()) if (link.address !== undefined) count++;
    return count;
  };

  const callDue = (): void => {
    if (closing) return;
    const free = Math.min(MAX_OUTGOING - outgoing(), MAX_LINKS - links.size);
    for (const address of book.due(now(), free, (id) => byId.has(id)))
      open(address, undefined, (options) => dial(address, options));
  };

  return {
    get: (peer) => links.get(peer)?.connection,
    count: () => links.size,
    send: (peer, message) => {
      const link = links.get(peer);
      for (const one of link?.blocks.outgoing(message) ?? []) link?.connection.send(one);
    },
    take: (socket) => {
      if (links.size >= MAX_LINKS) makeRoom();
      if (closing || links.size >= MAX_LINKS) socket.destroy();
      else open(undefined, (socket as Socket).remoteAddress, (options) => accept(socket, options));
    },
    addPeers: (addresses) => {
      book.add(addresses);
      callDue();
    },
    callDue,
    close: (peer, reason) => {
      const link = links.get(peer);
      if (link === undefined) return;
      if (link.address !== undefined && reason !== 'silent') book.strike(link.address);
      if (link.peerId !== undefined && reason === 'bad-piece') banned.add(link.peerId);
      part(link);
    },
    closeAll: () => {
      closing = true;
      for (const link of links.values()) part(link);
    },
  };
};

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
