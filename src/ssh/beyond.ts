import { access } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Target } from '#inventory/host.ts';

/** What a target may log in with that ssh2 cannot offer, in words; undefined: nothing of the kind. Certificates and FIDO keys, in files and in the agent. */
export const beyondUs = async ({ ssh }: Target): Promise<string | undefined> => {
  for (const file of ssh.identityFiles) if (await exists(`${file}-cert.pub`)) return `the certificate ${file}-cert.pub`;
  const types = ssh.agent === undefined ? [] : await typesOfAgent(ssh.agent);
  const strange = types.find((type) => /^sk-|-cert-v01@/.test(type));
  return strange && `the ${strange.includes('-cert-') ? 'certificate' : 'FIDO key'} in the SSH agent (${strange})`;
};

/** Where to turn with it. */
export const WITH_OPENSSH = "ssh: { transport: 'openssh' } can use it";

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

/** The types of all keys that an agent holds; ssh2 passes over those that it does not know (draft-ietf-sshm-ssh-agent, 3.5). */
const typesOfAgent = (socket: string): Promise<string[]> =>
  new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const connection = connect(socket);
    connection.setTimeout(PATIENCE_MS, () => connection.destroy());
    connection.on('error', () => {}); // an agent that does not answer holds nothing
    connection.on('close', () => resolve(readTypes(Buffer.concat(chunks))));
    connection.on('data', (chunk) => {
      chunks.push(chunk);
      const answer = Buffer.concat(chunks);
      if (answer.length >= 4 && answer.length >= 4 + answer.readUInt32BE(0)) connection.destroy();
    });
    connection.write(Buffer.from([0, 0, 0, 1, REQUEST_IDENTITIES]));
  });

const PATIENCE_MS = 1000;
const REQUEST_IDENTITIES = 11;
const IDENTITIES_ANSWER = 12;

const readTypes = (answer: Buffer): string[] => {
  if (answer.length < 9 || answer[4] !== IDENTITIES_ANSWER) return [];
  const types: string[] = [];
  let at = 9;
  const take = (): Buffer => {
    const text = answer.subarray(at + 4, at + 4 + answer.readUInt32BE(at));
    at += 4 + text.length;
    return text;
  };
  for (let count = answer.readUInt32BE(5); count > 0 && at + 8 <= answer.length; count -= 1) {
    const blob = take();
    types.push(blob.subarray(4, 4 + blob.readUInt32BE(0)).toString('latin1'));
    if (at + 4 <= answer.length) take(); // its comment
  }
  return types;
};
