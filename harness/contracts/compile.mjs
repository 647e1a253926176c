// Compiles src/ and writes one small artifact per contract.
//
//   node compile.mjs [OUT_DIR]      OUT_DIR defaults to ./artifacts
//
// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import solc from 'solc';

const here = dirname(fileURLToPath(import.meta.url));
const outDir = resolve(process.argv[2] ?? join(here, 'artifacts'));
const contracts = [
  'src/AssayToken.sol',
  'src/Multicall3.sol',
  'src/SignatureValidator.sol',
  'src/zoo/FeeOnTransferToken.sol',
  'src/zoo/ReturnsFalseToken.sol',
  'src/zoo/SilentNonceToken.sol',
];

const sources = Object.fromEntries(
  readdirSync(join(here, 'src'), { recursive: true })
    .filter((name) => name.endsWith('.sol'))
    .map((name) => `src/${name.replaceAll('\\', '/')}`)
    .sort()
    .map((path) => [path, { content: readFileSync(join(here, path), 'utf8') }]),
);

const input = {
  language: 'Solidity',
  sources,
  settings: {
    evmVersion: 'cancun',
    optimizer: { enabled: true, runs: 1_000_000 },
    // No trailing metadata: the bytes then depend on nothing but code and compiler.
    metadata: { appendCBOR: false, bytecodeHash: 'none' },
    outputSelection: { '*': { '*': ['evm.deployedBytecode.object', 'metadata'] } },
  },
};

const output = JSON.parse(solc.compile(JSON.stringify(input)));
const problems = output.errors ?? [];
if (problems.length > 0) {
  for (const problem of problems) console.error(problem.formattedMessage);
  process.exit(1);
}

// The hash covers the contract and everything it imports, so that a stale artifact shows.
function sourceHash(metadata) {
  const hash = createHash('sha256');
  for (const path of Object.keys(JSON.parse(metadata).sources).sort()) {
    hash.update(path).update('\0').update(sources[path].content).update('\0');
  }
  return hash.digest('hex');
}

mkdirSync(outDir, { recursive: true });
for (const path of contracts) {
  const name = path.slice(path.lastIndexOf('/') + 1, -'.sol'.length);
  const { evm, metadata } = output.contracts[path][name];
  const artifact = {
    contract: name,
    source: path,
    sourceSha256: sourceHash(metadata),
    compiler: solc.version(),
    optimizerRuns: input.settings.optimizer.runs,
    evmVersion: input.settings.evmVersion,
    runtime: `0x${evm.deployedBytecode.object}`,
  };
  writeFileSync(join(outDir, `${name}.json`), `${JSON.stringify(artifact, null, 2)}\n`);
}
