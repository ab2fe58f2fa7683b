/**
 * The run as a Listr: its tasks are the phases, each a promise that an event settles. Listr's own renderer computes
 * every line anew at every event and blocks the process for seconds with many hosts, so it gets ours, which asks for
 * a frame ten times a second.
 */

/** How the list is told what happens; `end` settles everything that is still open. */
export interface PhaseList {
  finish(task: string): void;
  end(): Promise<void>;
}

const FRAME_MS = 100;
/** One task more that only `end` settles: frames go on between the tasks and until the summary. */
const WHOLE_RUN = '';

/** Starts a Listr over the tasks, in order; `redraw` is called at every frame until the end. Loads listr2 only when called. */
export const openPhaseList = (tasks: readonly string[], redraw: () => void): PhaseList => {
  const finished = new Map([...tasks, WHOLE_RUN].map((task) => [task, settleable()]));
  const running = runList(finished, redraw).catch(() => {});
  return {
    finish: (task) => finished.get(task)?.settle(),
    end: () => {
      for (const { settle } of finished.values()) settle();
      return running;
    },
  };
};

const runList = async (finished: ReadonlyMap<string, Settleable>, redraw: () => void): Promise<void> => {
  const { Listr } = await import('listr2');
  const list = new Listr(
    [...finished].map(([title, { done }]) => ({ title, task: () => done })),
    { renderer: frameRenderer(redraw), concurrent: true, exitOnError: false, registerSignalListeners: false },
  );
  await list.run();
};

/** A renderer class as Listr wants one. */
const frameRenderer = (redraw: () => void) =>
  class FrameRenderer {
    static readonly nonTTY = true;
    static rendererOptions: never;
    static rendererTaskOptions: never;
    timer: NodeJS.Timeout | undefined;

    render(): void {
      this.timer = setInterval(redraw, FRAME_MS).unref();
    }

    end(): void {
      clearInterval(this.timer);
    }
  };

interface Settleable {
  readonly done: Promise<void>;
  readonly settle: () => void;
}

const settleable = (): Settleable => {
  let settle = () => {};
  const done = new Promise<void>((resolve) => {
    settle = resolve;
  });
  return { done, settle };
};
