import type ssh2 from 'ssh2';
import agents from 'ssh2/lib/agent.js';

/**
 * An SSH agent that shows the keys of certain files first, or no others. sshd hangs up after some keys (MaxAuthTries, 6),
 * so the right one must not come last.
 */
export class ChosenAgent extends agents.BaseAgent {
  readonly #agent: ssh2.BaseAgent;
  readonly #first: readonly Buffer[];
  readonly #only: boolean;
  constructor(socket: string, first: readonly Buffer[], only: boolean) {
    super();
    this.#agent = agents.createAgent(socket);
    this.#first = first;
    this.#only = only;
  }
  override getIdentities(done: Parameters<ssh2.BaseAgent['getIdentities']>[0]): void {
    this.#agent.getIdentities((error, keys) => {
      if (error || !keys) return done(error, keys);
      const rank = (key: unknown) => this.#first.findIndex((wanted) => wanted.equals(publicOf(key)));
      const chosen = keys.filter((key) => rank(key) !== -1).sort((a, b) => rank(a) - rank(b));
      const others = this.#only ? [] : keys.filter((key) => rank(key) === -1);
      done(null, [...chosen, ...others]);
    });
  }
  override sign(...[key, data, ...rest]: [key: never, data: Buffer, options: never, done?: never]): void {
    this.#agent.sign(key, data, ...rest);
  }
}

const publicOf = (key: unknown): Buffer => (key as ssh2.ParsedKey).getPublicSSH();

/** The public keys that an agent holds; none where it does not answer. */
export const keysOfAgent = (socket: string): Promise<Buffer[]> =>
  new Promise((resolve) => {
    agents.createAgent(socket).getIdentities((error, keys) => resolve(error || !keys ? [] : keys.map(publicOf)));
  });
