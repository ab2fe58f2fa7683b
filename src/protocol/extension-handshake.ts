import { type BencodeValue, decodeBencode, encodeBencode, utf8 } from './bencode.ts';
import { ProtocolError } from './protocol-error.ts';

/** What two peers tell each other first where both speak BEP 10: the payload of an `extended` message with id 0. */
export interface ExtensionHandshake {
  /** Extensions that the sender takes, by name, and the message id it wants each under; 0 takes one back. */
  readonly extensions: ReadonlyMap<string, number>;
  /** The sender's program and its version. */
  readonly client?: string;
  /** How many requests the sender lets wait before it drops any. */
  readonly requests?: number;
  /** Bytes of the largest block that the sender serves at once, where that is more than 16 KiB: a field of Rookery's own. */
  readonly largestBlock?: number;
  /** Where the sender is, by a name that the deployer gives: a field of Rookery's own. */
  readonly zone?: string;
}

/** The payload of the message. @throws ProtocolError for ids that are no byte and names that are not printable ASCII. */
export const encodeExtensionHandshake = ({
  extensions,
  client,
  requests,
  largestBlock,
  zone,
}: ExtensionHandshake): Uint8Array => {
  for (const id of extensions.values()) if (!isId(id)) throw new ProtocolError(`extension handshake: id ${id}`);
  const entries: [string, BencodeValue][] = [['m', extensions]];
  if (largestBlock !== undefined) entries.push([LARGEST_BLOCK, largestBlock]);
  if (requests !== undefined) entries.push(['reqq', requests]);
  if (client !== undefined) entries.push(['v', utf8(client)]);
  if (zone !== undefined) entries.push([ZONE, utf8(zone)]);
  return encodeBencode(new Map(entries));
};

/** Reads the payload. Fields unknown or of the wrong type are passed over. @throws ProtocolError when it is no dictionary. */
export const decodeExtensionHandshake = (payload: Uint8Array): ExtensionHandshake => {
  const root = decodeBencode(payload, MAX_PAYLOAD_BYTES);
  if (!(root instanceof Map)) throw new ProtocolError('extension handshake: not a dictionary');
  const [names, client, requests, largestBlock, zone] = ['m', 'v', 'reqq', LARGEST_BLOCK, ZONE].map((key) =>
    root.get(key),
  );
  return {
    extensions: new Map(names instanceof Map ? [...names].filter(([, id]) => isId(id)) : []),
    ...(client instanceof Uint8Array ? { client: new TextDecoder().decode(client) } : {}),
    ...(typeof requests === 'number' && requests > 0 ? { requests } : {}),
    ...(typeof largestBlock === 'number' && largestBlock > 0 ? { largestBlock } : {}),
    ...(zone instanceof Uint8Array ? { zone: new TextDecoder().decode(zone) } : {}),
  };
};

const LARGEST_BLOCK = 'largest block';
const ZONE = 'zone';
const MAX_PAYLOAD_BYTES = 64 * 1024;

const isId = (id: BencodeValue): boolean => typeof id === 'number' && Number.isInteger(id) && id >= 0 && id <= 255;
