import { type Command, defineRecipe, type RoleName, sh, task } from 'rookery';

export interface RestartOptions {
  /** Hosts to restart on. @default every host */
  readonly roles?: readonly RoleName[];
}

/**
 * Restarts the application when a release is published, and again should the release be switched back.
 * A text is run by the shell, in the directory of the current release: `restart('sudo systemctl restart shop')`.
 */
export const restart = (command: string | readonly string[], { roles }: RestartOptions = {}) => {
  const asked: Command = typeof command === 'string' ? { kind: 'shell', text: command } : command;
  return defineRecipe({
    name: 'restart',
    tasks: [
      task('app:restart', 'Restart the application', {
        ...(roles === undefined ? {} : { roles }),
        run: ({ on, hosts }) =>
          on(hosts, ({ host, run }) =>
            run(
              sh`cd ${`${host.deployTo}/current`} && { ${asked}
}`,
              { label: typeof command === 'string' ? command : command.join(' ') },
            ),
          ),
      }),
    ],
    after: { 'deploy:restart': 'app:restart' },
  });
};
