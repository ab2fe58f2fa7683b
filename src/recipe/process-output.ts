/** Passes on what a program prints, line by line; a last line without its end is none. */
export const eachLine = (stream: NodeJS.ReadableStream, take: (line: string) => void): void => {
  let partial = '';
  stream.on('data', (chunk: Buffer | string) => {
    const lines = (partial + chunk).split('\n');
    partial = lines.pop() as string;
    for (const line of lines) take(line);
  });
};

/** Keeps the last 4,000 characters of what a program prints, for errors: returns what reads them. */
export const keepTail = (stream: NodeJS.ReadableStream): (() => string) => {
  let text = '';
  stream.on('data', (chunk: Buffer | string) => {
    text = (text + chunk).slice(-4000);
  });
  return () => text;
};
