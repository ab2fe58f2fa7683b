import { describe, expect, test } from 'vitest';
import { createAddressBook } from '#peer/address-book.ts';
import { seededRandom } from '../sim/random.ts';

const one = { host: '127.0.0.1', port: 1 };
const two = { host: '127.0.0.1', port: 2 };
const nobody = () => false;

describe('the address book', () => {
  test('gives each address once while it is in use, and no more than asked for', () => {
    const book = createAddressBook(seededRandom(1));
    book.add([one, two, one, { host: 'x', port: 0 }]);
    expect(book.due(0, 1, nobody)).toHaveLength(1);
    expect(book.due(0, 5, nobody)).toHaveLength(1);
    expect(book.due(0, 5, nobody)).toHaveLength(0);
    expect(book.due(0, -1, nobody)).toHaveLength(0);
  });

  test('waits twice as long after each failure, and starts over after a connection that held', () => {
    const book = createAddressBook(seededRandom(1));
    book.add([one]);
    let now = 0;
    for (const wait of [250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000]) {
      expect(book.due(now, 1, nobody)).toEqual([one]);
      book.failed(one, now, 0);
      expect(book.due(now + wait - 1, 1, nobody)).toEqual([]);
      now += wait;
    }
    expect(book.due(now, 1, nobody)).toEqual([one]);
    book.failed(one, now, 60_000);
    expect(book.due(now + 250, 1, nobody)).toEqual([one]);
  });

  test('lets an address rest while its peer is connected anyway', () => {
    const book = createAddressBook(seededRandom(1));
    book.add([one]);
    book.due(0, 1, nobody);
    book.met(one, 'abc');
    book.failed(one, 0, 0);
    expect(book.due(1000, 1, (id) => id === 'abc')).toEqual([]);
    expect(book.due(1000, 1, nobody)).toEqual([one]);
  });

  test('never gives a struck address again', () => {
    const book = createAddressBook(seededRandom(1));
    book.add([one]);
    book.strike(one);
    book.add([one]);
    expect(book.due(1e9, 1, nobody)).toEqual([]);
  });
});
