import { expect, test } from 'vitest';
import { type ClosedPort, describeClosedPorts } from '#swarm/closed-ports.ts';

const closed = (from: string, to: string, more: Partial<ClosedPort> = {}): ClosedPort => ({
  ...{ from, to, port: 42_000, reason: 'silent', ...more },
});

test('says who cannot reach whom, on which port and why', () => {
  expect(describeClosedPorts([closed('a', 'b')])).toEqual([
    'a cannot reach b on port 42000: no answer; a firewall between them?',
  ]);
});

test('says in one line what many hosts have in common', () => {
  const others = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
  expect(describeClosedPorts(others.map((from) => closed(from, 'x', { reason: 'refused' })))).toEqual([
    'x cannot be reached on port 42000 by a, b, c, d and 3 more: refused; a firewall between them?',
  ]);
  const [to] = describeClosedPorts(others.slice(0, 3).map((one) => closed('x', one, { reason: 'no-route' })));
  expect(to).toBe('x cannot reach a on port 42000, b on port 42000, c on port 42000: no route to it');
});

test('never says more than a few lines, and counts the rest', () => {
  const all = Array.from({ length: 20 }, (_, index) => closed(`from${index}`, `to${index}`));
  const lines = describeClosedPorts(all);
  expect(lines).toHaveLength(7);
  expect(lines.at(-1)).toBe('and 14 more such pairs of hosts');
});
