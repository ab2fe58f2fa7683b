import { dirname, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The lines of an error's stack that lie in the user's own files. */
export const ownFrames = ({ stack = '' }: Error): string[] =>
  stack
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('at ') && isOwn(placeIn(line)));

/** Where in the user's own files an error was thrown: `/home/ann/shop/deploy.config.ts:12:5`. Undefined where it was not there. */
const thrownAt = (error: Error): string | undefined => ownFrames(error).map(placeIn)[0];

/** Its message, with that place. */
export const withPlace = (error: Error): string => {
  const place = thrownAt(error);
  return place === undefined ? error.message : `${error.message} (${place})`;
};

const placeIn = (frame: string): string =>
  (frame.match(/\(([^()]+:\d+:\d+)\)$/)?.[1] ?? frame.match(/^at (?:async )?(\S.*:\d+:\d+)$/)?.[1] ?? '').replace(
    /^file:\/\//,
    '',
  );

const isOwn = (place: string): boolean =>
  place.startsWith('/') && !place.startsWith(OURS) && !place.includes('/node_modules/');

/** `src`, or `dist` once it is built. */
const OURS = `${dirname(dirname(fileURLToPath(import.meta.url)))}${sep}`;
