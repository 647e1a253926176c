// Holds XML files against an XML Schema (libxml2's xmllint as WebAssembly: nothing native is installed).
//
//   node check.mjs SCHEMA.xsd FILE.xml...
//
// Prints what is wrong, a problem a line. Exit codes: 0 valid, 1 not valid, 2 usage.
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { memoryPages, validateXML } from "xmllint-wasm";

const [schema, ...files] = process.argv.slice(2);
if (schema === undefined || files.length === 0) {
  console.error("usage: node check.mjs SCHEMA.xsd FILE.xml...");
  process.exit(2);
}
let wrong = 0;
for (const file of files) {
  const { valid, errors, rawOutput } = await validateXML({
    xml: [{ fileName: basename(file), contents: readFileSync(file, "utf8") }],
    schema: [readFileSync(schema, "utf8")],
    maxMemoryPages: 512 * memoryPages.MiB,
  });
  if (valid) continue;
  wrong += 1;
  console.log(errors.length > 0 ? errors.map((error) => error.rawMessage).join("\n") : rawOutput);
}
process.exit(wrong === 0 ? 0 : 1);
