/**
 * The URL of a submodule as git reads it in .gitmodules: `./x` and `../x` start from the URL that the repository itself
 * comes from, all others stand for themselves.
 */
export const submoduleUrl = (written: string, origin: string): string => {
  if (!/^\.\.?\//.test(written)) return written;
  let base = origin.replace(/\/$/, '');
  let rest = written;
  let separator = '/';
  for (let step = /^\.\.?\//.exec(rest)?.[0]; step !== undefined; step = /^\.\.?\//.exec(rest)?.[0]) {
    rest = rest.slice(step.length);
    if (step === './') continue;
    const cut = base.lastIndexOf('/') >= 0 ? base.lastIndexOf('/') : base.lastIndexOf(':');
    if (base[cut] === ':') separator = ':'; // user@host:app.git and ../lib.git: user@host:lib.git
    base = base.slice(0, Math.max(0, cut));
  }
  return `${base}${separator}${rest.replace(/\/$/, '')}`;
};
