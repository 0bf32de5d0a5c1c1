/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/src', '<rootDir>/machines', '<rootDir>/test'],
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  // More than the two cores of a small machine: the longest tests mostly wait for tunnels and programs.
  maxWorkers: 4,
  // Only ends a test that hangs: waits have bounds of their own, and many tests start programs.
  testTimeout: 60_000,
  workerIdleMemoryLimit: '400MB',
  coverageProvider: 'v8',
  collectCoverageFrom: ['src/**/*.ts', 'machines/**/*.ts'],
  reporters: ['default', '<rootDir>/test/tally.mjs'],
};
