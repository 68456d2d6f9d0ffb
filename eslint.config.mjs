import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const TYPESCRIPT = ['**/*.{ts,mts}'];
const TESTS = ['test/**', 'bench/**', '*.config.mts'];

const size = {
  'max-lines': ['error', 300],
  'max-lines-per-function': ['error', 70],
};

/** What JavaScript itself makes easy to get wrong, in any file. */
const everywhere = {
  ...size,
  eqeqeq: ['error', 'always', { null: 'ignore' }],
  'no-warning-comments': ['error', { terms: ['todo', 'fixme', 'xxx', 'hack'] }],
  'no-eval': 'error',
  'no-implied-eval': 'error',
  'no-self-compare': 'error',
  'no-unmodified-loop-condition': 'error',
  'no-unreachable-loop': 'error',
  'no-useless-rename': 'error',
  'object-shorthand': 'error',
  'prefer-const': 'error',
};

const typescript = {
  '@typescript-eslint/consistent-type-imports': 'error',
  '@typescript-eslint/switch-exhaustiveness-check': [
    'error',
    { considerDefaultExhaustiveForUnions: true },
  ],
  '@typescript-eslint/no-confusing-void-expression': [
    'error',
    { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
  ],
  '@typescript-eslint/no-unnecessary-condition': [
    'error',
    { allowConstantLoopConditions: 'only-allowed-literals' },
  ],
  '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
  '@typescript-eslint/no-unused-vars': [
    'error',
    { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
  ],
  '@typescript-eslint/no-misused-spread': 'off',
  '@typescript-eslint/no-unnecessary-type-arguments': 'off',
  // A verb names the type of its flags once, where it is declared.
  '@typescript-eslint/no-unnecessary-type-parameters': 'off',
  // There are no classes to lose `this` of.
  '@typescript-eslint/unbound-method': 'off',
  // The store's interface is asynchronous, and one of its two databases is not.
  '@typescript-eslint/require-await': 'off',
};

const exit = 'Return the exit code: process.exit() cuts off what is still to be written to a pipe.';
const wholeZod =
  "Write import * as z from 'zod', at the top: any other form brings every locale into the bundle.";
const handedIn = 'The clock and randomness are handed in: context.now, context.newId.';

const zodForms = [
  "ImportDeclaration[source.value='zod'][importKind!='type'] > ImportSpecifier[importKind!='type']",
  "ImportDeclaration[source.value='zod'][importKind!='type'] > ImportDefaultSpecifier",
  'ImportDeclaration[source.value=/^zod\\u002F/]',
  'ImportExpression[source.value=/^zod/]',
  ':matches(ExportNamedDeclaration, ExportAllDeclaration)[source.value=/^zod/]',
].map((selector) => ({ selector, message: wholeZod }));

const exits = ['exit', 'reallyExit', 'abort'].map((property) => ({
  object: 'process',
  property,
  message: exit,
}));
const clocks = [
  { object: 'Date', property: 'now', message: handedIn },
  { object: 'Math', property: 'random', message: handedIn },
];
const newDate = {
  selector: "NewExpression[callee.name='Date'][arguments.length=0]",
  message: handedIn,
};

export default defineConfig(
  globalIgnores(['dist/', 'coverage/', 'bench/results/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' }, rules: everywhere },
  {
    files: TYPESCRIPT,
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: typescript,
  },
  {
    files: ['src/**'],
    rules: {
      'no-console': 'error',
      'no-restricted-properties': ['error', ...exits],
      'no-restricted-imports': [
        'error',
        { paths: ['process', 'node:process'].map((name) => ({ name, message: exit })) },
      ],
      'no-restricted-syntax': ['error', ...zodForms],
    },
  },
  {
    files: ['src/{domain,service,store,config}/**'],
    rules: {
      'no-restricted-globals': [
        'error',
        { name: 'process', message: 'Only main and the terminal know the process.' },
      ],
      'no-restricted-properties': ['error', ...exits, ...clocks],
      'no-restricted-syntax': ['error', ...zodForms, newDate],
    },
  },
  {
    files: TESTS,
    rules: {
      'max-lines': ['error', 500],
      'max-lines-per-function': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Tests read JSON whose shape is what they are about to find out.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  {
    // An old Node has to read it, to say that it is too old.
    files: ['bin/hodei.js'],
    languageOptions: { ecmaVersion: 5, sourceType: 'commonjs' },
    rules: { 'prefer-const': 'off', 'object-shorthand': 'off' },
  },
);
