import { expect, test } from 'vitest';
import { createClock } from './clock.ts';
import { createFifo } from './fifo.ts';
import { createDownlink, createUplink, type Line, type Parcel, type Sharing } from './link.ts';

test('a clock does what is due in order, whether it was told of it one by one or by a lane', () => {
  const clock = createClock();
  const seen: string[] = [];
  const note = (what: string): void => {
    seen.push(`${what} at ${clock.now}`);
  };
  const lane = clock.lane(5, note);
  for (const delay of [7, 3, 11, 3]) clock.after(delay, () => note(`after ${delay}`));
  lane('lane');
  clock.after(4, () => lane('lane again'));
  expect(clock.run(() => clock.now >= 9, 100)).toBe(true);
  expect(seen).toEqual(['after 3 at 3', 'after 3 at 3', 'lane at 5', 'after 7 at 7', 'lane again at 9']);
  expect(clock.run(() => false, 10)).toBe(false);
  expect(clock.run(() => false, 100)).toBe(false);
  expect(seen.at(-1)).toBe('after 11 at 11');
});

test('a queue gives back what it was given, in order, through any growth', () => {
  const fifo = createFifo<number>();
  let next = 0;
  let expected = 0;
  for (const [pushes, shifts] of [
    [5, 3],
    [40, 1],
    [3, 44],
    [100, 100],
  ] as const) {
    for (let count = 0; count < pushes; count++) fifo.push(next++);
    for (let count = 0; count < shifts; count++) expect(fifo.shift()).toBe(expected++);
  }
  expect([fifo.length, fifo.first, fifo.shift()]).toEqual([0, undefined, undefined]);
});

test.each<[Sharing, string]>([
  ['turns', 'a1 b1 a2 b2 a3'],
  ['fifo', 'a1 a2 a3 b1 b2'],
])('an uplink that shares by %s sends block after block: %s', (sharing, order) => {
  const clock = createClock();
  const sent: string[] = [];
  const uplink = createUplink<string>(clock, 1000, sharing, (item) => sent.push(`${item}@${clock.now}`) > 0);
  const [a, b]: Line<string>[] = [createFifo<Parcel<string>>(), createFifo<Parcel<string>>()];
  for (const item of ['a1', 'a2', 'a3']) uplink.push(a as Line<string>, 10, item);
  for (const item of ['b1', 'b2']) uplink.push(b as Line<string>, 10, item);
  clock.run(() => false, 1000);
  expect(sent).toEqual(order.split(' ').map((item, index) => `${item}@${(index + 1) * 10}`));
});

test('a downlink holds up what comes faster than it, and what comes while it is busy', () => {
  const clock = createClock();
  const downlink = createDownlink(clock, 1000);
  clock.after(100, () => {
    expect(downlink(10, 10)).toBe(0); // as fast as this link
    expect(downlink(10, 10)).toBe(10);
    expect(downlink(10, 1)).toBe(20);
  });
  clock.after(200, () => expect(downlink(10, 1)).toBe(9));
  clock.run(() => false, 1000);
});
