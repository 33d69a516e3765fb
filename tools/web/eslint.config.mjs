// Habits of the pages' scripts. What TypeScript finds (names that do not exist, unused ones) is left to it.
import globals from 'globals';

export default [
  { linterOptions: { reportUnusedDisableDirectives: 'error', noInlineConfig: true } },
  {
    files: ['web/static/*.js'],
    languageOptions: { ecmaVersion: 2022, sourceType: 'module', globals: globals.browser },
    rules: {
      'array-callback-return': 'error',
      'curly': ['error', 'multi-line'],
      'eqeqeq': 'error',
      'no-alert': 'error',
      'no-console': ['error', { allow: ['warn'] }],
      'no-constant-condition': 'error',
      'no-empty': 'error',
      'no-eval': 'error',
      'no-implicit-globals': 'error',
      'no-implied-eval': 'error',
      'no-new-func': 'error',
      'no-promise-executor-return': ['error', { allowVoid: true }],
      'no-restricted-globals': ['error', 'event', 'name', 'status', 'top', 'parent', 'length', 'open', 'close', 'find', 'focus', 'blur', 'print', 'stop'],
      'no-restricted-properties': ['error', { object: 'document', property: 'write' }, { object: 'document', property: 'cookie' }],
      'no-self-compare': 'error',
      'no-shadow': 'error',
      'no-undef': 'error',
      'no-unmodified-loop-condition': 'error',
      'no-unused-vars': 'error',
      'no-use-before-define': ['error', { functions: false }],
      'no-var': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error'
    }
  }
];
