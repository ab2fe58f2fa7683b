import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { DeployFact } from '#protocol/events.ts';
import { keepSecrets, MASK } from '#run/secrets.ts';

const secretText = fc
  .string({ minLength: 3, maxLength: 8, unit: fc.constantFrom('a', 'b', "'", ' ', '\n', '$') })
  .filter((text) => text.trim().length >= 3);
const noise = fc.string({ maxLength: 12, unit: fc.constantFrom('a', 'b', 'x', ' ', '\n') });

test('however output is cut into parts, no secret is in it, and nothing else is lost', () => {
  fc.assert(
    fc.property(
      secretText,
      fc.array(noise, { minLength: 1, maxLength: 5 }),
      fc.array(fc.nat({ max: 9 })),
      (secret, parts, cuts) => {
        const whole = parts.join(secret);
        const told: DeployFact[] = [];
        const { add, emit } = keepSecrets((fact) => told.push(fact));
        expect(add(secret)).toBe(secret);
        for (const text of cut(whole, cuts))
          emit({ type: 'command-output', host: 'a', task: 't', stream: 'stdout', text });
        emit({ type: 'command-end', host: 'a', task: 't', command: secret, exitCode: 0, signal: null, seconds: 1 });
        const output = told.flatMap((fact) => (fact.type === 'command-output' ? fact.text : [])).join('');
        expect(output).not.toContain(secret);
        expect(JSON.stringify(told.at(-1))).toContain(MASK);
        // what is no secret, is there: as many characters as before, masks counted for nothing
        if (!whole.includes(secret)) expect(output).toBe(whole);
      },
    ),
  );
});

const cut = (text: string, cuts: readonly number[]): string[] => {
  const parts: string[] = [];
  let rest = text;
  for (const size of cuts) {
    parts.push(rest.slice(0, size));
    rest = rest.slice(size);
  }
  return [...parts, rest].filter((part) => part !== '');
};

test('secrets are masked in every field, quoted ones too, and what waits is told at the end of its command', () => {
  const told: DeployFact[] = [];
  const { add, emit } = keepSecrets((fact) => told.push(fact));
  add("it's secret");
  emit({ type: 'command-output', host: 'a', task: 't', stream: 'stdout', text: "so it's sec" });
  emit({ type: 'command-output', host: 'b', task: 't', stream: 'stdout', text: 'other' });
  emit({ type: 'command-end', host: 'a', task: 't', command: 'x', exitCode: 1, signal: null, seconds: 1 });
  emit({
    type: 'host-failed',
    host: 'a',
    error: { code: 'command', message: 'm', task: 't', command: "login 'it'\\''s secret'", output: "it's secret" },
  });
  expect(told.map((fact) => ('text' in fact ? fact.text : fact.type))).toEqual([
    'so ',
    'other',
    "it's sec",
    'command-end',
    'host-failed',
  ]);
  expect(told.at(-1)).toMatchObject({ error: { command: `login ${MASK}`, output: MASK } });
});
