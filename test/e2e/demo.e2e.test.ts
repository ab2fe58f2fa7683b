import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { runCli } from '../support/cli.ts';
import { markedWith } from '../support/host-processes.ts';
import { copyOfProject } from '../support/project-copy.ts';
import { removeTempDir } from '../support/temp-dir.ts';

test('the demo ends well and leaves nothing: no file, no process', async () => {
  const dir = await copyOfProject();
  try {
    const mark = `ROOKERY_TEST_DEMO=${dir}`;
    const { exitCode, stdout, stderr } = await runCli([], {
      ...{ cwd: dir, program: ['fixtures/demo.mjs'], env: { ROOKERY_TEST_DEMO: dir } },
    });
    expect(exitCode, stdout + stderr).toBe(0);
    expect(stdout.match(/serves version 1\.0\.0/g)).toHaveLength(12);
    expect(stdout.match(/serves version 2\.0\.0/g)).toHaveLength(6);
    for (const path of ['.rookery/demo', '.rookery/sandbox/demo']) expect(existsSync(join(dir, path))).toBe(false);
    expect(markedWith(mark)).toEqual([]);
  } finally {
    await removeTempDir(dirname(dir));
  }
});
