import type { DeployFact, Emit } from '#protocol/events.ts';
import { quote } from '#protocol/shell.ts';

/**
 * Keeps secrets out of every output. Events pass through here on their way to the report; a secret is masked wherever it
 * stands in one, as it is or as a shell's word. Output comes in parts that may cut a secret in two, so the end of a
 * part that could be the beginning of a secret waits for the next part, or for the end of its command.
 */
export interface Secrets {
  /** Masks this text from now on; empty text is no secret. Returns it. */
  readonly add: (secret: string) => string;
  readonly emit: Emit;
  /** A value with the secrets in its texts masked. */
  readonly mask: <T>(value: T) => T;
}

export const MASK = '[secret]';

/** No secrets yet; events go on to `emit`. */
export const keepSecrets = (emit: Emit): Secrets => {
  let known: string[] = [];
  const held = new Map<string, Extract<DeployFact, { text: string }>>();

  const pass = (fact: DeployFact): void => emit(masked(fact, known));
  const release = (host: string | undefined): void => {
    for (const [key, fact] of held) {
      if (host !== undefined && !('host' in fact && fact.host === host)) continue;
      held.delete(key);
      pass(fact);
    }
  };
  return {
    add: (secret) => {
      const forms = [secret, quote(secret), ...secret.split('\n')].filter((form) => form.trim().length >= SHORTEST);
      known = [...new Set([...known, ...forms])].sort((a, b) => b.length - a.length);
      return secret;
    },
    mask: (value) => masked(value, known),
    emit: (fact) => {
      if (known.length === 0) return emit(fact);
      if (!isOutput(fact)) {
        if (fact.type !== 'transfer-progress') release('host' in fact ? fact.host : undefined);
        return pass(fact);
      }
      const key = `${fact.type} ${'host' in fact ? fact.host : ''} ${fact.stream}`;
      const { told, waiting } = scan(`${held.get(key)?.text ?? ''}${fact.text}`, known);
      held.delete(key);
      if (waiting !== '') held.set(key, { ...fact, text: waiting });
      if (told !== '') emit({ ...fact, text: told });
    },
  };
};

/** Shorter ones would blank half of every log. */
const SHORTEST = 3;

type Output = Extract<DeployFact, { type: 'command-output' | 'local-output' | 'output' }>;

const isOutput = (fact: DeployFact): fact is Output =>
  fact.type === 'command-output' || fact.type === 'local-output' || fact.type === 'output';

/** The text with its secrets masked, up to where one may have begun that is not all there yet. */
const scan = (text: string, secrets: readonly string[]): { told: string; waiting: string } => {
  const first = new Set(secrets.map((secret) => secret[0]));
  let told = '';
  for (let at = 0; at < text.length; ) {
    if (first.has(text[at])) {
      const rest = text.slice(at);
      if (secrets.some((secret) => secret.length > rest.length && secret.startsWith(rest)))
        return { told, waiting: rest };
      const found = secrets.find((secret) => rest.startsWith(secret)); // the longest comes first
      if (found !== undefined) {
        told += MASK;
        at += found.length;
        continue;
      }
    }
    told += text[at++];
  }
  return { told, waiting: '' };
};

const masked = <T>(value: T, secrets: readonly string[]): T => {
  if (typeof value === 'string')
    return secrets.reduce((text: string, secret) => text.replaceAll(secret, MASK), value) as T;
  if (Array.isArray(value)) return value.map((item) => masked(item, secrets)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, masked(item, secrets)])) as T;
};
