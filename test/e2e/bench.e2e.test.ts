import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts';
import { needs, needsRoot } from '../support/tools.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const dir = await makeTempDir();
const json = join(dir, 'runs.json');
let bench: ChildProcess | undefined;

afterEach(async () => {
  if (bench?.exitCode === null && bench.kill()) await once(bench, 'close');
});

afterAll(() => removeTempDir(dir));

const start = (...options: string[]) => {
  const words = ['test/bench/run.mjs', 'swarm', '--case', 'tiny', '--json', json, ...options];
  const child = spawn(process.execPath, words, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  bench = child;
  return { child, lines: createInterface({ input: child.stdout }) };
};

const leftBy = ({ pid }: ChildProcess): string[] =>
  ['/run/netns', '/dev/shm'].flatMap((place) =>
    readdirSync(place).filter((name) => name.startsWith(`rookery-swarm-${pid}-`)),
  );

describe.skipIf(!needsRoot() || !needs('ip', 'tc', 'nsenter', 'aria2c'))('the benchmark of swarms', () => {
  test('measures each tool on limited links, and leaves no namespace and no file', async () => {
    const { child } = start('--tools', 'rookery,aria2', '--runs', '1');
    expect(await once(child, 'close')).toEqual([0, null]);
    const { runs } = JSON.parse(await readFile(json, 'utf8'));
    expect(runs).toMatchObject([{ tool: 'rookery' }, { tool: 'aria2' }]);
    for (const { hosts, egress } of runs) {
      expect(hosts).toHaveLength(2);
      expect(Math.min(...hosts)).toBeGreaterThan(0.08); // 256 KiB at 25 Mbit/s
      expect(egress).toBeGreaterThan(1);
    }
    expect(leftBy(child)).toEqual([]);
  });

  test('leaves nothing when it is interrupted', async () => {
    const { child, lines } = start('--tools', 'rookery', '--runs', '1000');
    await once(lines, 'line');
    expect(leftBy(child)).toHaveLength(5);
    child.kill('SIGINT');
    expect(await once(child, 'close')).toEqual([130, null]);
    expect(leftBy(child)).toEqual([]);
  });
});
