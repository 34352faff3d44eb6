/**
 * Runs initkit within a network and a mount namespace of its own, where a fake name server listens on port 53. The test
 * starts it by `unshare`; it prints what was asked for and how initkit ended.
 */
import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DnsAnswer, startDnsServer } from "./dns-server.ts";
import { initkit } from "./initkit.ts";

const [resolvConf, hosts, names, ...args] = process.argv.slice(2) as [string, string, string, ...string[]];
const answers = JSON.parse(names) as Record<string, DnsAnswer>;
/** A name with this before it is there only when the first attempt has failed. */
const late = "late:";
let hasFailed = false;

execFileSync("ip", ["link", "set", "lo", "up"]);
for (const [name, content] of Object.entries({ "resolv.conf": resolvConf, hosts })) {
  const file = join(tmpdir(), `initkit-${process.pid}-${name}`);
  writeFileSync(file, content);
  execFileSync("mount", ["--bind", file, `/etc/${name}`]);
  rmSync(file);
}
const answer = (name: string): DnsAnswer =>
  answers[name] ?? (hasFailed ? answers[late + name] : undefined) ?? "nxdomain";
const server = await startDnsServer(answer, { port: 53 });
const startedAt = performance.now();
const { exitCode, report } = await initkit(args, {
  onEvent({ event }, child) {
    hasFailed ||= event === "attempt.failed";
    if (hasFailed && answers["SIGTERM"]) child.kill("SIGTERM");
  },
});
const durationMs = performance.now() - startedAt;
await server[Symbol.asyncDispose]();
console.log(JSON.stringify({ exitCode, report, durationMs, asked: server.asked }));
