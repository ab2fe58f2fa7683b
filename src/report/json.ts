import type { Writable } from 'node:stream';
import type { Reporter } from './report.ts';
import { createWriter } from './writer.ts';

/** Every event as it is, one JSON object a line. */
export const openJson = ({ out }: { out: Writable }): Omit<Reporter, 'suspend'> => {
  const writer = createWriter(out);
  return {
    emit: (event) => writer.write(`${JSON.stringify(event)}\n`),
    close: () => writer.close(),
  };
};
