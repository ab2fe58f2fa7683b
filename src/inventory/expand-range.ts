import { UserError } from '#recipe/user-error.ts';

/**
 * The names that a pattern stands for: `web[01:20]` is web01 to web20 with the zeros kept, `db[a:c]` is dba, dbb, dbc;
 * several ranges multiply. An IPv6 address in brackets is no range. @throws UserError for a range that runs
 * backwards, or stands for more hosts than anybody has
 */
export const expandRange = (pattern: string): string[] => {
  const match = pattern.match(/^(.*?)\[(\d+:\d+|[a-z]:[a-z])\](.*)$/);
  if (!match) return [pattern];
  const [, before = '', range = '', after = ''] = match;
  const rest = expandRange(after);
  const own = members(range, pattern);
  if (own.length * rest.length > MAX_HOSTS) throw tooMany(pattern);
  return own.flatMap((member) => rest.map((tail) => `${before}${member}${tail}`));
};

const members = (range: string, pattern: string): string[] => {
  const [first = '', last = ''] = range.split(':');
  const numeric = /^\d/.test(first);
  const from = numeric ? Number(first) : first.charCodeAt(0);
  const to = numeric ? Number(last) : last.charCodeAt(0);
  if (from > to) throw new UserError(`hosts: the range in '${pattern}' runs backwards`, 2);
  if (to - from >= MAX_HOSTS) throw tooMany(pattern);
  return Array.from({ length: to - from + 1 }, (_, i) =>
    numeric ? String(from + i).padStart(first.length, '0') : String.fromCharCode(from + i),
  );
};

const MAX_HOSTS = 10_000;

const tooMany = (pattern: string): UserError =>
  new UserError(`hosts: the range in '${pattern}' stands for more than 10,000 hosts`, 2);
