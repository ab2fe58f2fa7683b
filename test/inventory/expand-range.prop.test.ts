import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expandRange } from '#inventory/expand-range.ts';

describe('a range stands for', () => {
  test.each([
    ['web[01:03].example.com', ['web01.example.com', 'web02.example.com', 'web03.example.com']],
    ['web[9:11]', ['web9', 'web10', 'web11']],
    ['web[08:10]', ['web08', 'web09', 'web10']],
    ['web[099:101]', ['web099', 'web100', 'web101']],
    ['db[a:c]', ['dba', 'dbb', 'dbc']],
    ['[1:2]', ['1', '2']],
    ['r[1:2]n[a:b]', ['r1na', 'r1nb', 'r2na', 'r2nb']],
    ['ann@web[1:2]:2222', ['ann@web1:2222', 'ann@web2:2222']],
    ['10.0.[0:1].[1:2]', ['10.0.0.1', '10.0.0.2', '10.0.1.1', '10.0.1.2']],
    ['web[5:5]', ['web5']],
  ])('%s', (pattern, names) => {
    expect(expandRange(pattern)).toEqual(names);
  });

  test.each(['web1', '[::1]:22', '[fe80::1:2]', '2001:db8::1', 'web[]', 'web[1]', 'web[1:]', 'web[a:9]', 'web[A:C]'])(
    'itself where it is none: %s',
    (pattern) => {
      expect(expandRange(pattern)).toEqual([pattern]);
    },
  );

  test('every number between its ends once, in order, padded as its first', () => {
    const width = fc.integer({ min: 1, max: 6 });
    fc.assert(
      fc.property(
        fc.nat(99_999),
        fc.nat(300),
        width,
        fc.stringMatching(/^[a-z.-]{0,9}$/),
        (from, more, width, text) => {
          const first = String(from).padStart(width, '0');
          const names = expandRange(`${text}[${first}:${from + more}]${text}`);
          expect(names.map((name) => Number(name.slice(text.length, name.length - text.length)))).toEqual(
            Array.from({ length: more + 1 }, (_, i) => from + i),
          );
          for (const name of names) expect(name.length).toBeGreaterThanOrEqual(first.length + 2 * text.length);
          expect(names[0]).toBe(`${text}${first}${text}`);
        },
      ),
    );
  });

  test('the product of several, the last one running fastest', () => {
    const range = fc
      .tuple(fc.nat(20), fc.nat(5))
      .map(([from, more]) => ({ from, count: more + 1, text: `[${from}:${from + more}]` }));
    fc.assert(
      fc.property(fc.array(range, { minLength: 1, maxLength: 4 }), (ranges) => {
        const names = expandRange(ranges.map(({ text }) => text).join('-'));
        expect(names).toHaveLength(ranges.reduce((product, { count }) => product * count, 1));
        expect(new Set(names).size).toBe(names.length);
        const last = ranges.at(-1)!;
        expect(names.slice(0, last.count).map((name) => Number(name.split('-').at(-1)))).toEqual(
          Array.from({ length: last.count }, (_, i) => last.from + i),
        );
      }),
    );
  });
});

test('a range that runs backwards, or stands for too many, is refused', () => {
  expect(() => expandRange('web[3:1]')).toThrow("the range in 'web[3:1]' runs backwards");
  expect(() => expandRange('db[c:a]')).toThrow(/runs backwards/);
  expect(() => expandRange('web[1:99999]')).toThrow(/more than 10,000 hosts/);
  expect(() => expandRange('web[0:9999][0:9999]')).toThrow(/more than 10,000 hosts/);
});
