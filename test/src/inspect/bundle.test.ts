/** The inspector is for development: nothing of it is in the programs that are built. */
import { describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';

describe('built programs', () => {
  test.each(['src/main.ts', 'src/etsi014/simulator/main.ts'])(
    '%s loads neither the inspector nor @statelyai/inspect',
    async (entryPoint) => {
      const { metafile } = await build({
        entryPoints: [entryPoint],
        bundle: true,
        platform: 'node',
        format: 'cjs',
        write: false,
        metafile: true,
        outdir: 'dist',
      });
      const inputs = Object.keys(metafile.inputs);
      expect(inputs).toContain(entryPoint);
      expect(inputs.filter((file) => /@statelyai|src\/inspect\//.test(file))).toEqual([]);
    },
  );
});
