import { pause } from "../src/deadline.ts";
import { formatMs } from "../src/format.ts";
import { duration } from "../src/kinds.ts";
import { defineTask, done, operand } from "../src/task.ts";

export default defineTask({
  name: "sleep",
  summary: "Waits for a fixed time.",
  operands: { duration: operand(duration, "how long") },
  options: {},
  pacing: { timeout: "0", "attempt-timeout": "0", retries: "0", backoff: "1s" },
  timeoutCode: "command-timeout",

  async run({ signal }, { duration: ms }) {
    await pause(ms, signal);
    return done(`slept ${formatMs(ms)}`);
  },
});
