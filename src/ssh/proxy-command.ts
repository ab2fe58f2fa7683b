import { spawn } from 'node:child_process';
import { Duplex } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import type { Socket } from './open-socket.ts';

/**
 * A program of this machine as the connection, as ssh's ProxyCommand. It leads a process group of its own: Ctrl-C
 * goes to everybody at a terminal, and the connection is needed to tidy up. It ends when its input does.
 */
export const runCommand = (command: string): Socket => {
  const child = spawn('/bin/sh', ['-c', `exec ${command}`], { detached: true, stdio: 'pipe' });
  const stream = Duplex.from({ readable: child.stdout, writable: child.stdin });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk).slice(-LAST_CHARACTERS);
  });
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', (error) => {
      said += error.message;
      resolve();
    });
  });
  child.stdin.on('error', () => {}); // it has ended: the handshake's end tells
  stream.once('close', () => child.kill());
  stream.on('error', () => {});
  const complaint = async () => {
    child.kill();
    await Promise.race([ended, setTimeout(PATIENCE, undefined, { ref: false })]); // a child of its own may hold the pipe
    return said.trim();
  };
  return { stream, addresses: { local: '', remote: '' }, complaint };
};

const LAST_CHARACTERS = 1000;

/** Milliseconds that it has to end. */
const PATIENCE = 1000;
