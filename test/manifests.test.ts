import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, readdirSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { parseAllDocuments } from "yaml";
import { exitTable } from "../src/failure.ts";
import {
  hasHelm,
  manifests,
  objectsIn,
  objectsOf,
  overlaid,
  renderedByHelm,
  startsOf,
  valuesOf,
} from "./helpers/manifests.ts";
import { type Environment, planned, steps } from "./helpers/plan.ts";
import { temporary } from "./helpers/temporary.ts";

const files = readdirSync(manifests).filter((name) => name.endsWith(".yaml"));
const objects = files.flatMap((file) =>
  objectsOf(file)
    .filter(({ kind }) => kind)
    .map((object) => ({ file, object })),
);
const { SIGINT, SIGTERM } = constants.signals;
const url = "postgres://app:secret@database/app";

async function assertTaken(argv: readonly string[], env: Environment): Promise<void> {
  const { failure, warnings } = await planned(["check", ...argv], env);
  assert.equal(failure?.message, undefined);
  assert.deepEqual(warnings, []);
}

describe("every manifest", () => {
  test("has the form of its kind in the Kubernetes API, and no field besides", (t) => {
    const root = join(import.meta.dirname, "..");
    const kinds = { Pod: "core/v1", ConfigMap: "core/v1", Job: "batch/v1" };
    const imports = Object.entries(kinds).map(
      ([kind, path]) =>
        `import type { ${kind} } from ${JSON.stringify(join(root, `node_modules/kubernetes-types/${path}.d.ts`))};`,
    );
    const checks = objects.map(
      ({ file, object }) => `// ${file}\n(${JSON.stringify(object)}) satisfies ${object.kind};`,
    );
    const source = join(temporary(t), "manifests.ts");
    writeFileSync(source, [...imports, ...checks].join("\n"));
    const options = ["--noEmit", "--strict", "--ignoreConfig", "--skipLibCheck", "--target", "esnext"];
    const { status, stdout } = spawnSync(join(root, "node_modules/.bin/tsc"), [...options, source]);
    assert.equal(status, 0, String(stdout));
  });

  for (const { file, object } of objects.filter(({ object: { spec } }) => spec)) {
    test(`starts initkit with steps that it takes (${file})`, async (t) => {
      const mounted = join(temporary(t), "steps.yaml");
      const { data } = objectsOf(file).find(({ kind }) => kind === "ConfigMap") ?? {};
      if (data?.["steps.yaml"]) writeFileSync(mounted, data["steps.yaml"]);
      const starts = startsOf(object, url).filter(({ argv: [task] }) => task !== "install");
      assert.ok(starts.length > 0);
      for (const { argv, env } of starts)
        await assertTaken(
          argv.map((word) => word.replace("/init/steps.yaml", mounted)),
          env,
        );
    });
  }
});

test("the Job gives up where a person must act, and tries again where the world was not ready", () => {
  const [job] = objectsOf("job.yaml");
  const valuesOn = (action: string): number[] =>
    job.spec.podFailurePolicy.rules.find((rule: any) => rule.action === action).onExitCodes.values;
  const codesOf = (retryable: boolean) =>
    exitTable().flatMap((row) => (row.retryable === retryable && row.code !== "signal" ? [+row.shown] : []));
  assert.deepEqual(valuesOn("FailJob"), codesOf(false));
  assert.deepEqual(valuesOn("Count"), [...codesOf(true), 128 + SIGINT, 128 + SIGTERM]);
});

describe("the overlay", () => {
  const pod = objectsOf("readme-pod.yaml").find(({ kind }) => kind === "Pod");

  test("changes a step, takes one out and puts one between", async () => {
    const [{ argv, env } = assert.fail()] = startsOf(overlaid(pod), url);
    const found = await steps(argv, env);
    assert.deepEqual(
      found.map(({ task }) => task.name),
      ["wait-for", "migrate", "write", "permissions"],
    );
    assert.equal(found[0]?.policy.timeout, 15 * 60_000);
  });

  const hasKubectl = spawnSync("kubectl", ["version", "--client"]).status === 0;
  test("is what Kustomize makes of it", { skip: hasKubectl ? false : "kubectl is not here" }, (t) => {
    const folder = temporary(t);
    cpSync(join(manifests, "kustomization.yaml"), join(folder, "kustomization.yaml"));
    cpSync(join(manifests, "readme-pod.yaml"), join(folder, "pod.yaml"));
    const built = parseAllDocuments(execFileSync("kubectl", ["kustomize", folder], { encoding: "utf8" }));
    const made = built.map((document) => document.toJS()).find(({ kind }) => kind === "Pod");
    const variablesOf = (from: any) => startsOf(from, url)[0]?.env;
    assert.deepEqual(variablesOf(made), variablesOf(overlaid(pod)));
  });
});

const helmValues = Object.fromEntries(
  Object.entries<string>(valuesOf("helm-values.yaml").initkit).map(([key, step]) => [
    `INITKIT_STEP_${key}`,
    step,
  ]),
);

test("the values for Helm are steps", () => assertTaken([], { ...helmValues, DATABASE_URL: url }));

describe("the template for Helm", { skip: hasHelm ? false : "helm is not here" }, () => {
  const variablesOf = (rendered: string) => {
    const pod = objectsIn(rendered).find(({ kind }) => kind === "Pod");
    return startsOf(pod, url)[0]!.env;
  };

  test("makes variables of the values", (t) => {
    assert.deepEqual(variablesOf(renderedByHelm(temporary(t))), { ...helmValues, DATABASE_URL: url });
  });

  test("lets further values take a step out and put one in, whatever characters it has", async (t) => {
    const further = join(temporary(t), "staging.yaml");
    const line = `write /models/stage --content 'a "b" \\\\ # \\n {{c}} $\{DATABASE_URL}'`;
    writeFileSync(further, JSON.stringify({ initkit: { "20_MODEL": "", "35_STAGE": line } }));
    const variables = variablesOf(renderedByHelm(temporary(t), "--values", further));
    assert.equal(variables["INITKIT_STEP_35_STAGE"], line);
    const found = await steps([], variables);
    assert.deepEqual(
      found.map(({ task }) => task.name),
      ["wait-for", "migrate", "write"],
    );
  });
});

test("the command for Compose is steps once Compose has replaced $$", async () => {
  const { command, environment } = valuesOf("compose.yaml").services.init;
  await assertTaken(
    command.map((word: string) => word.replaceAll("$$", "$")),
    environment,
  );
});
