import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Askpass, openAskpass } from '#ssh/openssh/askpass.ts';
import { makeTempDir, removeTempDir } from '../support/temp-dir.ts';

describe("the program that brings ssh's questions here", () => {
  let dir: string;
  let askpass: Askpass;
  beforeEach(async () => {
    dir = await makeTempDir('askpass');
    askpass = await openAskpass(dir, process.env.PATH ?? '');
  });
  afterEach(async () => {
    askpass.close();
    await removeTempDir(dir);
  });

  /** Starts it as `ssh` does. */
  const ask = (take: Parameters<Askpass['variables']>[0], prompt: string, kind?: string) => {
    const variables = askpass.variables(take);
    const env = { ...process.env, ...variables, ...(kind === undefined ? {} : { SSH_ASKPASS_PROMPT: kind }) };
    const child = spawn(variables.SSH_ASKPASS!, [prompt], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    let answer = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      answer += text;
    });
    return { child, end: once(child, 'close').then(([code]) => ({ code, answer })) };
  };

  test('prints the answer; without one it fails, and so does a question for yes or no', async () => {
    expect(await ask(async (prompt) => `"${prompt}"\nä`, 'Password: ').end).toEqual({
      code: 0,
      answer: '"Password: "\nä\n',
    });
    expect(await ask(async () => undefined, 'Password: ').end).toEqual({ code: 1, answer: '' });
    expect(await ask(async () => 'yes', 'Allow use of the key?', 'confirm').end).toEqual({ code: 1, answer: '' });
  });

  test('what ssh only tells, as that a key is to be touched, lasts until ssh ends the program', async () => {
    let touched: Promise<unknown> | undefined;
    const told = new Promise<string>((resolve) => {
      const { child, end } = ask(
        async (prompt, done) => {
          touched = Promise.all([done, end]);
          resolve(prompt);
          child.kill();
          await done;
          return undefined;
        },
        'Confirm user presence',
        'none',
      );
    });
    expect(await told).toBe('Confirm user presence');
    await touched;
  });
});
