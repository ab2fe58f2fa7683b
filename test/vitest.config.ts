import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('..', import.meta.url));

/** `npx vitest run --config test/vitest.config.ts --project unit` runs one kind. End-to-end tests use dist/: build first. */
export default defineConfig({
  root,
  resolve: {
    alias: [
      { find: /^rookery$/, replacement: `${root}src/index.ts` },
      { find: /^rookery\/recipes\/(.*?)(\.js)?$/, replacement: `${root}recipes/$1.ts` },
    ],
  },
  test: {
    isolate: false,
    maxWorkers: 2, // most of an end-to-end test is waiting for processes on hosts
    testTimeout: 30_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts', 'test/**/*.prop.test.ts'],
          exclude: ['test/**/*.e2e.test.ts'],
        },
      },
      {
        extends: true,
        test: { name: 'e2e', include: ['test/**/*.e2e.test.ts'], testTimeout: 120_000 },
      },
    ],
  },
});
