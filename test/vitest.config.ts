import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { memoryFolder } from './support/memory-folder.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

const memory = memoryFolder(8e9);
if (memory !== undefined) process.env.TMPDIR ??= memory; // thousands of files are made and removed, which a disk's file system takes a tenth of all the time for

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
    maxWorkers: 3, // most of an end-to-end test is waiting for processes on hosts: two leave a sixth of two processors idle
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
