/** `npm run bench [NAME…]`: each benchmark prints ratios to its peers, measured side by side in one run. */
import { copy } from "./copy.ts";
import { download } from "./download.ts";
import { extract } from "./extract.ts";
import { limited } from "./limited.ts";
import { migrate } from "./migrate.ts";
import { permissions } from "./permissions.ts";
import { pod } from "./pod.ts";
import { reaction } from "./reaction.ts";
import { startup } from "./startup.ts";

const benchmarks: Readonly<Record<string, () => Promise<void>>> = {
  startup,
  limited,
  reaction,
  extract,
  download,
  permissions,
  copy,
  migrate,
  pod,
};

const names = process.argv.slice(2);
for (const name of names.length > 0 ? names : Object.keys(benchmarks)) {
  const benchmark = benchmarks[name];
  if (!benchmark) throw new Error(`no benchmark ${name}; there are ${Object.keys(benchmarks).join(", ")}`);
  await benchmark();
}
