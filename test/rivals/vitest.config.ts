import { mergeConfig } from 'vitest/config';
import common from '../vitest.config.ts';

const { projects: _, ...test } = common.test!;

/** Capistrano beside ours, a run of its own: `npm run test:rivals`. */
export default mergeConfig(
  { ...common, test },
  { test: { include: ['test/rivals/**/*.rival.ts'], testTimeout: 120_000 } },
);
