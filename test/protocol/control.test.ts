import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeOrder, decodeReport, encodeControl, type PeerOrder, type PeerReport } from '#protocol/control.ts';
import { ProtocolError } from '#protocol/protocol-error.ts';

const port = fc.integer({ min: 0, max: 65535 });
const hex = fc.stringMatching(/^[0-9a-f]{64}$/);
const text = fc.string({ unit: 'grapheme', maxLength: 30 });
const count = fc.oneof(fc.nat(), fc.constant(Number.MAX_SAFE_INTEGER), fc.constant(0.25));
const ports = fc.tuple(port, port).map(([a, b]): [number, number] => [Math.min(a, b), Math.max(a, b)]);

const order: fc.Arbitrary<PeerOrder> = fc.oneof(
  fc.record(
    {
      kind: fc.constant('fetch' as const),
      metainfo: fc.base64String(),
      sha256: hex,
      path: text.map((path) => `/${path}`),
      announce: fc.array(fc.webUrl()),
      ports,
      listen: fc.ipV4(),
      address: fc.ipV6(),
      zone: fc.record(
        { name: text, gateway: fc.nat(9).map((place): [number, number] => [place, place + 1]) },
        { requiredKeys: ['name'] },
      ),
      key: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('base64')),
    },
    { requiredKeys: ['kind', 'metainfo', 'sha256', 'path', 'announce', 'ports'] },
  ),
  fc.record(
    {
      kind: fc.constant('peers' as const),
      peers: fc.array(fc.record({ host: text, port })),
      announce: fc.array(fc.webUrl()),
    },
    { requiredKeys: ['kind', 'peers'] },
  ),
  fc.constant({ kind: 'stop' } as const),
);

const report: fc.Arbitrary<PeerReport> = fc.oneof(
  fc.record(
    {
      ...{ kind: fc.constant('hello' as const), version: text, node: text, addresses: fc.array(fc.ipV6()) },
      ssh: fc.record({ client: fc.ipV4(), server: fc.ipV4() }),
    },
    { requiredKeys: ['kind', 'version', 'node'] },
  ),
  fc.record({
    ...{ kind: fc.constant('unreachable' as const), host: text, port },
    reason: fc.constantFrom('silent' as const, 'refused' as const, 'no-route' as const),
  }),
  fc.record({ kind: fc.constant('listening' as const), port }),
  fc.record({
    kind: fc.constant('progress' as const),
    pieces: count,
    bytes: count,
    downloaded: count,
    uploaded: count,
    peers: count,
    hashed: count,
  }),
  fc.record({
    kind: fc.constant('verified' as const),
    bytes: count,
    downloaded: count,
    uploaded: count,
    seconds: count,
  }),
  fc.record({
    kind: fc.constant('failed' as const),
    code: fc.constantFrom('disk-full' as const, 'bug' as const),
    message: text,
  }),
  fc.record({ kind: fc.constant('stopped' as const), downloaded: count, uploaded: count }),
);

/** JSON round trips turn -0 into 0 and drop prototypes: compare what JSON says. */
const plain = (value: unknown) => JSON.parse(JSON.stringify(value));

const garbage = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.json(),
  fc.jsonValue().map((value) => JSON.stringify({ kind: value })),
  fc
    .tuple(fc.oneof(order, report), fc.string(), fc.jsonValue())
    .map(([value, key, other]) => JSON.stringify({ ...value, [key]: other })),
  fc
    .tuple(fc.oneof(order, report), fc.nat(), fc.jsonValue())
    .map(([value, at, other]) =>
      JSON.stringify({ ...value, [Object.keys(value)[at % Object.keys(value).length]!]: other }),
    ),
  fc.tuple(fc.oneof(order, report), fc.nat()).map(([value, at]) => {
    const line = encodeControl(value);
    return line.slice(0, at % line.length);
  }),
  fc.constantFrom('', 'null', '[]', '{}', '{"kind":"__proto__"}', '{"kind":"toString"}', '{"kind":["stop"]}'),
);

describe.each([
  ['orders', order as fc.Arbitrary<PeerOrder | PeerReport>, decodeOrder, decodeReport],
  ['reports', report as fc.Arbitrary<PeerOrder | PeerReport>, decodeReport, decodeOrder],
] as const)('%s', (_, valid, decode, decodeOther) => {
  test('come back from one line as what they were', () => {
    fc.assert(
      fc.property(valid, (value) => {
        const line = encodeControl(value);
        expect(line).not.toContain('\n');
        expect(decode(line)).toEqual(plain(value));
      }),
    );
  });

  test('are refused where the other kind is expected', () => {
    fc.assert(
      fc.property(valid, (value) => {
        expect(() => decodeOther(encodeControl(value))).toThrow(ProtocolError);
      }),
    );
  });

  test('garbage is decoded to something valid, or is a ProtocolError and nothing else', () => {
    fc.assert(
      fc.property(garbage, (line) => {
        try {
          expect(typeof decode(line).kind).toBe('string');
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

const fetchOrder = { kind: 'fetch', metainfo: '', sha256: '0'.repeat(64), path: '/a', announce: [], ports: [1, 2] };

test.each([
  ['a relative path', { path: 'a' }],
  ['a hash that is too short', { sha256: 'ab' }],
  ['a hash in capitals', { sha256: 'A'.repeat(64) }],
  ['ports that run backwards', { ports: [2, 1] }],
  ['three ports', { ports: [1, 2, 3] }],
  ['a port above 65535', { ports: [1, 65536] }],
  ['half a port', { ports: [1, 1.5] }],
  ['a tracker that is no text', { announce: [7] }],
  ['an address that is null', { address: null }],
  ['nothing to fetch', { metainfo: undefined }],
])('an order with %s is refused', (_, change) => {
  expect(decodeOrder(JSON.stringify(fetchOrder))).toEqual(fetchOrder);
  expect(() => decodeOrder(JSON.stringify({ ...fetchOrder, ...change }))).toThrow(ProtocolError);
});

test('an error does not repeat a line of a megabyte', () => {
  expect(() => decodeReport('x'.repeat(1_000_000))).toThrow(/^.{0,120}$/);
});
