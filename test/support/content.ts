import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Files by path: their content, content with permissions, or where a symbolic link leads. */
export type Content = Readonly<Record<string, Entry>>;

type Entry =
  | string
  | Uint8Array
  | { readonly text: string | Uint8Array; readonly mode: number }
  | { readonly link: string };

/** Writes files and links with their directories; what is there already is replaced. */
export const writeContent = async (dir: string, content: Content): Promise<void> => {
  for (const [path, entry] of Object.entries(content)) {
    const file = join(dir, path);
    await mkdir(dirname(file), { recursive: true });
    await rm(file, { force: true });
    await writeEntry(file, entry);
  }
};

const writeEntry = async (file: string, entry: Entry): Promise<void> => {
  if (typeof entry === 'string' || entry instanceof Uint8Array) await writeFile(file, entry);
  else if ('link' in entry) await symlink(entry.link, file);
  else {
    await writeFile(file, entry.text);
    await chmod(file, entry.mode);
  }
};
