import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { runTask, type TaskRun } from "../helpers/run-task.ts";

async function sysctl(status: TaskRun["status"], ...words: string[]): Promise<TaskRun> {
  const run = await runTask("sysctl", words);
  assert.equal(run.status, status, String(run.failure?.message));
  return run;
}

const current = (name: string): string => readFileSync(`/proc/sys/${name}`, "utf8").trim();

test("a parameter that has its value is left alone, however its name and value are written", async () => {
  const range = current("net/ipv4/ip_local_port_range").split(/\s+/);
  await sysctl("unchanged", `vm.swappiness=${current("vm/swappiness")}`);
  await sysctl("unchanged", `net/ipv4/ip_local_port_range=${range.join("  ")}`);
});

test("with at-least a higher value is left alone", async () => {
  await sysctl("unchanged", "vm.max_map_count=1", "--at-least");
});

test("a parameter that there is not is 24", async () => {
  assert.equal((await sysctl("failed", "vm.no_such_thing=1")).failure?.exitCode, 24);
});

test(
  "a parameter that may not be written says which privilege it needs",
  { skip: process.getuid!() === 0 && "root may" },
  async () => {
    const { failure } = await sysctl("failed", `vm.swappiness=${Number(current("vm/swappiness")) + 1}`);
    assert.equal(failure?.exitCode, 24);
    assert.match(failure.hint!, /privileged/);
  },
);

test("what is no setting, or leads out of /proc/sys, is a configuration error", async () => {
  for (const text of [
    "vm=1",
    "vm.max_map_count",
    "vm.max_map_count=",
    "../../tmp/x=1",
    "a/../b=1",
    "net..x=1",
    "=1",
  ]) {
    assert.equal((await sysctl("rejected", text)).failure?.exitCode, 2, text);
  }
  assert.equal((await sysctl("rejected", "kernel.hostname=x", "--at-least")).failure?.exitCode, 2);
});
