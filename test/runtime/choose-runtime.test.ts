import { describe, expect, test } from 'vitest';
import { chooseRuntime } from '#runtime/choose-runtime.ts';
import { NODE_PACKAGES, runtimeName } from '#runtime/node-packages.ts';

const [x64, arm64] = NODE_PACKAGES;
const debian = {
  machine: 'x86_64',
  loaders: ['/lib64/ld-linux-x86-64.so.2'],
  glibc: '2.36',
  tools: ['sha256sum'],
  runtimes: [] as string[],
  runsPrograms: true,
};
const host = { platform: debian, freeBytes: 1e9 };

test.each(['v18.0.0', 'v20.20.2', 'v26.1.0'])('Node %s of the host runs the peer', (node) => {
  expect(chooseRuntime({ ...host, node }, 'auto')).toEqual({ kind: 'host' });
  expect(chooseRuntime({ ...host, node }, 'host')).toEqual({ kind: 'host' });
  expect(chooseRuntime({ ...host, node }, 'bundled')).toMatchObject({ kind: 'bundled' });
});

test.each([undefined, '', 'v16.20.2', 'v8.0.0'])('Node %j of the host does not', (node) => {
  const state = { ...host, ...(node === undefined ? {} : { node }) };
  expect(chooseRuntime(state, 'auto')).toEqual({ kind: 'bundled', runtime: x64, kept: false });
  expect(chooseRuntime(state, 'host')).toMatchObject({ kind: 'none', problem: expect.stringContaining('sftp') });
});

test('a runtime that the host keeps is not sent again, nor is there need for room', () => {
  const platform = { ...debian, runtimes: [runtimeName(x64!)] };
  expect(chooseRuntime({ platform, freeBytes: 0 }, 'auto')).toMatchObject({ kept: true });
});

test('a host that does not tell its free space is not refused', () => {
  expect(chooseRuntime({ ...host, freeBytes: Number.NaN }, 'auto')).toMatchObject({ kind: 'bundled' });
});

test('arm64 has its own', () => {
  const platform = { ...debian, machine: 'aarch64', loaders: ['/lib/ld-linux-aarch64.so.1'] };
  expect(chooseRuntime({ ...host, platform }, 'auto')).toMatchObject({ runtime: arm64 });
});

describe('a host that none can be sent to is told why, and what to do', () => {
  test.each([
    [{ machine: 'riscv64' }, {}, 'none to send for the processor riscv64'],
    [{ machine: 'i686' }, {}, 'the processor i686'],
    [
      { loaders: ['/lib/ld-musl-x86_64.so.1'] },
      {},
      'needs glibc: this host has musl (on Alpine: apk add nodejs): install',
    ],
    [{ loaders: [] }, {}, 'there is no /lib64/ld-linux-x86-64.so.2'],
    [{ glibc: '2.17' }, {}, 'needs glibc 2.28: this host has 2.17'],
    [{ runsPrograms: false }, {}, 'mounted noexec'],
    [{ tools: ['gzip'] }, {}, 'there is no sha256sum, shasum, openssl'],
    [{}, { freeBytes: 60e6 }, 'needs 125 MB on the disk: 60 MB are free'],
  ])('%j %j', (platform, other, reason) => {
    const choice = chooseRuntime({ ...host, platform: { ...debian, ...platform }, ...other }, 'auto');
    expect(choice).toEqual({ kind: 'none', problem: expect.stringContaining(reason) });
    expect((choice as { problem: string }).problem).toMatch(
      /^there is no Node\.js on this host, and .*: install Node 18 or newer, or use strategy: 'sftp'$/,
    );
  });
});
