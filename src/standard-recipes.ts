import { type Command, sh, shellText } from '#protocol/shell.ts';
import { defineRecipe, type Recipe } from '#recipe/recipe.ts';
import { task } from '#recipe/task.ts';

/** The recipes that every project has, loaded as any project would load them: by the package's public name. */
export const standardRecipes = async (remoteCommand: readonly string[] = []): Promise<Recipe[]> => {
  const recipes = await Promise.all([
    import('rookery/recipes/deploy'),
    import('rookery/recipes/swarm'),
    import('rookery/recipes/rollback'),
    import('rookery/recipes/housekeeping'),
    import('rookery/recipes/distribute'),
  ]);
  return [...recipes.map((module) => module.default), ...(remoteCommand.length > 0 ? [runRecipe(remoteCommand)] : [])];
};

/** `deploy production run -- uptime`: one word is text for the shell, several are an argument list, quoted. */
const runRecipe = (words: readonly string[]): Recipe => {
  const command: Command = words.length === 1 ? { kind: 'shell', text: words[0] as string } : words;
  return defineRecipe({
    name: 'run',
    tasks: [
      task('run', `Run ${shellText(command)}`, {
        locks: false,
        run: ({ on, hosts, answer }) =>
          on(hosts, (remote) =>
            remote.run(sh`${command}`, { quiet: true, onOutput: (stream, text) => answer(remote, { stream, text }) }),
          ),
      }),
    ],
  });
};
