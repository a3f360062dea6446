// Hold objects of the operator of Prometheus, a JSON list on stdin, against the definitions that it
// publishes: what each value may be by its validators, and that there is nothing else by its types.
// Prints a line for each thing that is wrong, which begins with `object` and its place in the list.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as v1 from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1";

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, "node_modules");
const objects = JSON.parse(readFileSync(0, "utf8"));

for (const [number, object] of objects.entries()) {
  try {
    new v1[object.kind](object).validate();
  } catch (error) {
    console.log(`object${number}: ${object.kind}: ${error.message}`);
  }
}

const folder = mkdtempSync(join(modules, ".types-"));
try {
  const names = "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1";
  const files = objects.map((object, number) => {
    const path = `object${number}.ts`;
    const type = `import type { I${object.kind} as Wanted } from "${names}/${object.kind}";`;
    const text = `export const object: Wanted = ${JSON.stringify(object)};`;
    writeFileSync(join(folder, path), `${type}\n${text}\n`);
    return path;
  });
  const compilerOptions = {
    strict: true, noEmit: true, skipLibCheck: true, types: [],
    target: "es2022", module: "preserve", moduleResolution: "bundler",
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
  const compiler = join(modules, "typescript", "bin", "tsc");
  const given = { cwd: folder, encoding: "utf8" };
  const done = spawnSync(process.execPath, [compiler, "-p", "."], given);
  if (done.status !== 0) console.log((done.stdout + done.stderr).trim());
} finally {
  rmSync(folder, { recursive: true });
}
