/** Resolves when it holds: for what nobody tells of, as the processes and sockets of this machine. */
export const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
};
