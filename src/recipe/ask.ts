export interface AskOptions {
  /** What is typed does not show, and is masked in every output from then on. @default false */
  readonly hidden?: boolean;
  /** The answer to an empty line, with `--yes`, and where there is no terminal. */
  readonly default?: string;
}
