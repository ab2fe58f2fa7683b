/** Patterns of ssh_config(5), PATTERNS: `*` stands for any characters, `?` for one. */
export const matchesPattern = (pattern: string, text: string): boolean => {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's').test(text);
};

/** Whether one of the patterns matches and no negated one (`!web1`) does. */
export const matchesPatterns = (patterns: readonly string[], text: string): boolean => {
  const hits = (negated: boolean) =>
    patterns.some(
      (pattern) => pattern.startsWith('!') === negated && matchesPattern(negated ? pattern.slice(1) : pattern, text),
    );
  return !hits(true) && hits(false);
};
