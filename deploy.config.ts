import { defineConfig, dir, sandbox } from 'rookery';
import { restart } from 'rookery/recipes/restart';

/** This project's own deploy: the sample application, to a fleet of embedded hosts. `npm run demo` runs it. */
export default defineConfig({
  application: 'hello',
  deployTo: '/srv/hello',
  source: dir('fixtures/apps/hello'),
  keepReleases: 3,
  linkedDirs: ['log', 'tmp'],
  recipes: [restart('PORT=0 bin/restart')],
  stages: {
    demo: { hosts: sandbox(6) },
  },
});
