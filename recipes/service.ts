import { defineRecipe, type Task, task } from 'rookery';
import { type HostWork, type RollingOptions, roll } from 'rookery/recipes/rolling';

type Verb = keyof typeof VERBS;

export interface Service<Name extends string, V extends Verb> {
  /** First part of the names of its tasks. */
  readonly name: Name;
  /** What each task does on a host; the first of them runs when a release is published, and when it is switched back. */
  readonly verbs: Readonly<Record<V, HostWork>>;
  readonly options: RollingOptions;
}

/** A recipe for a program that serves the application: `puma:restart`, `puma:stop` and so on. */
export const service = <Name extends string, V extends Verb>({ name, verbs, options }: Service<Name, V>) => {
  const [first] = Object.keys(verbs) as V[];
  return defineRecipe({
    name,
    tasks: (Object.keys(verbs) as V[]).map((verb) => verbTask(name, verb, verbs[verb], options)),
    after: { 'deploy:restart': `${name}:${first as V}` as const },
  });
};

const VERBS = {
  restart: 'Restart',
  reload: 'Reload',
  start: 'Start',
  stop: 'Stop',
  quiet: 'Give no more work to',
  status: 'Show the state of',
} as const;

const verbTask = <Name extends string, V extends Verb>(
  name: Name,
  verb: V,
  work: HostWork,
  options: RollingOptions,
): Task<`${Name}:${V}`> => {
  const { roles } = options;
  const rolling = verb === 'restart' || verb === 'reload';
  return task(`${name}:${verb}`, `${VERBS[verb]} ${name === 'app' ? 'the application' : name}`, {
    release: true,
    ...(roles === undefined ? {} : { roles }),
    ...(verb === 'status' ? { locks: false } : {}),
    run: (t) => roll(t, rolling ? options : {}, work),
  });
};
