import { defineRecipe } from 'rookery';
import { type InstallOptions, install } from 'rookery/recipes/install';

const FLAGS = ['--no-dev', '--prefer-dist', '--no-interaction', '--quiet', '--optimize-autoloader'];

/** `composer install` in the release: in a new one, and again in one that a rollback returns to. Capistrano: capistrano-composer. */
export const composer = (options: InstallOptions = {}) =>
  defineRecipe({
    ...install({ name: 'composer', command: ['composer', 'install'], flags: FLAGS }, options),
    before: { 'deploy:reverted': 'composer:install' },
  });
