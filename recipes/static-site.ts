import { defineRecipe, type RoleName, sh, type TaskContext, task } from 'rookery';
import { inRelease } from 'rookery/recipes/places';

export interface StaticSiteOptions {
  /** @default every host that gets releases */
  readonly roles?: readonly RoleName[];
  /** Directory of the pages, in the release. @default '.' */
  readonly directory?: string;
  /** Files that have to be there and not be empty. @default ['index.html'] */
  readonly expect?: readonly string[];
  /** Extensions of files that get a compressed copy beside them. @default html, css, js, mjs, json, svg, xml, txt, wasm */
  readonly compress?: readonly string[];
}

/**
 * Pages that a web server reads from `current`: refuses a release that lacks some or that the server may not read, and
 * puts `<file>.gz` beside each (nginx: gzip_static), with the time of the file, so that all hosts give the same ETag.
 */
export const staticSite = ({
  roles,
  directory = '.',
  expect = ['index.html'],
  compress = TEXTS,
}: StaticSiteOptions = {}) => {
  const run = (t: TaskContext) =>
    t.on(t.hosts, async (host) => {
      const pages = inRelease(host, t).within(directory);
      await pages.execute(refuse(expect), { label: 'look at the pages' });
      if (compress.length > 0) await pages.execute(gzip(compress), { label: 'compress the pages' });
    });
  return defineRecipe({
    name: 'static-site',
    tasks: [
      task('static:prepare', 'Check and compress the pages', {
        ...{ release: true, ...(roles === undefined ? {} : { roles }) },
        run,
      }),
    ],
    before: { 'deploy:updated': 'static:prepare' },
  });
};

const TEXTS = ['html', 'css', 'js', 'mjs', 'json', 'svg', 'xml', 'txt', 'wasm'];

const refuse = (expected: readonly string[]) => sh`for file in ${expected}; do
  [ -s "$file" ] || { echo "$file is not there, or is empty" >&2; exit 1; }
done
hidden=$(find . -type f ! -perm -004 | head -n 5)
[ -z "$hidden" ] || { echo "others may not read: $hidden" >&2; exit 1; }`;

/** Where there is no gzip, the server has to compress. A copy that came with the release stays. */
const gzip = (extensions: readonly string[]) => {
  const named = extensions.flatMap((extension) => ['-o', '-name', `*.${extension}`]).slice(1);
  return sh`command -v gzip > /dev/null || exit 0
find . -type f \( ${named} \) -exec sh -c 'for file; do
  [ -e "$file.gz" ] || { gzip -9 -n -c "$file" > "$file.gz" && touch -r "$file" "$file.gz"; } || exit
done' sh {} +`;
};
