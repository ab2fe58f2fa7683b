import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { quote } from '#protocol/shell.ts';

/** How `ssh` asks a person through us (ssh(1), SSH_ASKPASS): by a program that brings the question here. */
export interface Askpass {
  /** Variables for an `ssh`, whose questions come to `take`. */
  variables(take: Take): Readonly<Record<string, string>>;
  close(): void;
}

/**
 * Resolves to the answer, or to nothing.
 * @param told for what ssh only tells, as that a key waits to be touched: resolves when it has been done
 */
export type Take = (prompt: string, told?: Promise<unknown>) => Promise<string | undefined>;

/** @param path PATH with the Node that runs us first */
export const openAskpass = async (directory: string, path: string): Promise<Askpass> => {
  const takers = new Map<string, Take>();
  const socket = join(directory, 'questions');
  const program = join(directory, 'askpass');
  const server = createServer((connection) => void serve(connection, takers).catch(() => connection.destroy()));
  server.listen(socket);
  await Promise.all([
    once(server, 'listening'),
    writeFile(`${program}.cjs`, PROGRAM),
    writeFile(program, `#!/bin/sh\nPATH=${quote(path)} exec node ${quote(`${program}.cjs`)} "$@"\n`, { mode: 0o700 }),
  ]);
  return {
    variables: (take) => {
      const number = `${takers.size}`;
      takers.set(number, take);
      return {
        ...{ SSH_ASKPASS: program, SSH_ASKPASS_REQUIRE: 'force' },
        ...{ ROOKERY_ASKPASS: socket, ROOKERY_ASKPASS_NUMBER: number },
      };
    },
    close: () => void server.close(),
  };
};

const PROGRAM = `const { ROOKERY_ASKPASS, ROOKERY_ASKPASS_NUMBER: number, SSH_ASKPASS_PROMPT: kind } = process.env;
let answer = '';
require('node:net').connect(ROOKERY_ASKPASS, function () { this.write(JSON.stringify({ number, kind, prompt: process.argv[2] }) + '\\n'); })
  .setEncoding('utf8').on('data', (text) => { answer += text; })
  .on('error', () => process.exit(1))
  .on('end', () => { if (answer === '') process.exit(1); console.log(JSON.parse(answer)); });
`;

const serve = async (connection: Socket, takers: ReadonlyMap<string, Take>): Promise<void> => {
  connection.on('error', () => {}); // its ssh has ended
  const closed = new Promise((resolve) => connection.once('close', resolve));
  let text = '';
  await new Promise<void>((resolve) => {
    connection.setEncoding('utf8').on('data', (part) => {
      text += part;
      if (text.endsWith('\n')) resolve();
    });
  });
  const { number, kind, prompt = '' } = JSON.parse(text) as { number: string; kind?: string; prompt?: string };
  // a question for yes or no is none of ours: whether a key may be used, the agent asks
  const answer =
    kind === 'confirm' ? undefined : await takers.get(number)?.(prompt, kind === 'none' ? closed : undefined);
  connection.end(answer === undefined ? '' : JSON.stringify(answer));
};
