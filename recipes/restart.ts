import type { Command } from 'rookery';
import { inCurrent } from 'rookery/recipes/places';
import type { RollingOptions } from 'rookery/recipes/rolling';
import { service } from 'rookery/recipes/service';

export interface RestartOptions<Name extends string = 'app'> extends RollingOptions {
  /** For a second program that is restarted by a command of its own. @default 'app' */
  readonly name?: Name;
}

/**
 * Restarts the application when a release is published, and again should the release be switched back.
 * A text is run by the shell, in the directory of the current release: `restart('sudo systemctl restart shop')`.
 */
export const restart = <const Name extends string = 'app'>(
  command: string | readonly string[],
  { name = 'app' as Name, ...options }: RestartOptions<Name> = {},
) => {
  const asked: Command = typeof command === 'string' ? { kind: 'shell', text: command } : command;
  const label = typeof command === 'string' ? command : command.join(' ');
  return service({ name, verbs: { restart: (host) => inCurrent(host).execute(asked, { label }) }, options });
};
