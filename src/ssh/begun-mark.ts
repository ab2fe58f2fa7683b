/** Characters at the end of a text that may be the beginning of a mark: they are held back until more has come. */
export const begunMark = (text: string, mark: string): number => {
  for (let length = Math.min(text.length, mark.length - 1); length > 0; length -= 1)
    if (text.endsWith(mark.slice(0, length))) return length;
  return 0;
};
