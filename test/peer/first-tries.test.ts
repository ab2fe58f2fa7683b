import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createFirstTries, type FirstTries } from '#peer/first-tries.ts';
import type { PeerReport } from '#protocol/control.ts';

const one = { host: '10.0.0.1', port: 42_000 };
let told: PeerReport[];
let tries: FirstTries;
beforeEach(() => {
  vi.useFakeTimers();
  told = [];
  tries = createFirstTries((report) => void told.push(report));
  tries.watch([one]);
  tries.begun(one);
});
afterEach(() => {
  tries.stop();
  vi.useRealTimers();
});

test.each([
  ['ECONNREFUSED', 'refused'],
  ['EHOSTUNREACH', 'no-route'],
  ['ENETUNREACH', 'no-route'],
  ['ETIMEDOUT', 'silent'],
  [undefined, 'silent'],
] as const)('%s is told at once, as %s', (code, reason) => {
  tries.ended(one, code);
  expect(told).toEqual([{ kind: 'unreachable', ...one, reason }]);
});

test('silence is told before two seconds have passed, once, whatever comes later', () => {
  vi.advanceTimersByTime(2000);
  expect(told).toEqual([{ kind: 'unreachable', ...one, reason: 'silent' }]);
  tries.ended(one, 'ETIMEDOUT');
  tries.begun(one);
  tries.ended(one, 'ECONNREFUSED');
  expect(told).toHaveLength(1);
});

test('nothing is told of who answered, of whom nobody asked about, and after the end', () => {
  tries.reached(one);
  tries.ended(one, 'ECONNRESET');
  const stranger = { host: '10.0.0.2', port: 42_000 };
  tries.begun(stranger);
  tries.ended(stranger, 'ECONNREFUSED');
  const late = { host: '10.0.0.3', port: 42_000 };
  tries.watch([late]);
  tries.begun(late);
  tries.stop();
  vi.advanceTimersByTime(5000);
  tries.ended(late, undefined);
  expect(told).toEqual([]);
});
