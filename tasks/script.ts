import { compileScript, scriptSource } from "../src/command/script-source.ts";
import { now } from "../src/deadline.ts";
import { defineTask, done, oneAttempt, operand } from "../src/task.ts";

export default defineTask({
  name: "script",
  summary: "Runs a zx script, for logic that no task covers; only in a document.",
  documentOnly: true,
  operands: { script: operand(scriptSource, "JavaScript, whose placeholders are left alone") },
  options: {},
  pacing: oneAttempt,
  timeoutCode: "command-timeout",

  check({ script }) {
    compileScript(script);
  },

  async run({ signal, env, policy, endsAt }, { script }) {
    const { runScript } = await import("../src/command/script-run.ts");
    await runScript(script, env, signal, Math.min(policy.attemptTimeout, endsAt - now()));
    return done();
  },
});
