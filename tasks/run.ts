import { runCommand } from "../src/command/run-command.ts";
import { type CommandEnd, Failure } from "../src/failure.ts";
import { type Ids, owner, type Owner, resolveOwner } from "../src/files/owner.ts";
import { quote } from "../src/format.ts";
import { duration, pair, path, text } from "../src/kinds.ts";
import { defineTask, done, flag, oneAttempt, operands, option, repeated } from "../src/task.ts";

export default defineTask({
  name: "run",
  summary: "Runs one command, without a shell; its output passes through.",
  usage: "[option…] -- COMMAND [ARG…]",
  operands: { command: operands(text, "program and arguments, each a word of its own, after `--`") },
  options: {
    env: repeated(pair, "variable for the command, besides those of the container"),
    cwd: option(path, "folder to run it in"),
    user: option(owner, "user to run it as, as UID[:GID] or names, with no other groups; needs root"),
    grace: option(duration, "time from the signal that ends the command to SIGKILL", "10s"),
    "until-success": flag("run it again until it succeeds or the timeout is over"),
    "secret-args": flag("allow secrets among the arguments, where everybody on the node can see them"),
  },
  pacing: oneAttempt,
  pacingFor: (args) => (args["until-success"] ? { retries: "unlimited" } : {}),
  timeoutCode: "command-timeout",

  check({ command, env, "secret-args": secretArgs }, _, holdsSecret) {
    if (command[0] === "") throw new Error("run has an empty name for its program");
    const words = [...command, ...env.flatMap(({ name, value }) => [name, value])];
    if (words.some((word) => word.includes("\0")))
      throw new Error("run has a NUL byte in its command or env");
    const at = secretArgs ? -1 : command.findIndex(holdsSecret);
    if (at >= 0) throw secretShown(at);
  },

  async run({ signal, env }, { command, env: pairs, cwd, user, grace }) {
    const [file, ...args] = command;
    const added = Object.fromEntries(pairs.map(({ name, value }) => [name, value]));
    const ids = user ? idsOf(user) : {};
    const end = await runCommand({ file: file!, args, env: { ...env, ...added }, cwd, ids, grace }, signal);
    if ("exitCode" in end && end.exitCode === 0) return done(`${quote(file!)} succeeded`, { command: end });
    throw commandFailure(file!, end);
  },
});

/** @param at 0 for the program, 1 for its first argument */
function secretShown(at: number): Failure {
  const word = at === 0 ? "the name of its program" : `word ${at} behind its program`;
  return new Failure(
    "configuration",
    `run has a secret in ${word}, and every process on the node can see that`,
    {
      hint: "pass it with env NAME=VALUE, or allow it with secret-args",
    },
  );
}

/** A user without a group brings the own group from the user database, where it is known there. */
function idsOf(user: Owner): Ids {
  if (user.group !== undefined) return resolveOwner(user);
  try {
    return resolveOwner({ ...user, group: { login: true } });
  } catch {
    return resolveOwner(user);
  }
}

function commandFailure(file: string, end: CommandEnd): Failure {
  const how = "signal" in end ? `was ended by ${end.signal}` : `ended with exit code ${end.exitCode}`;
  return new Failure("command-failed", `${quote(file)} ${how}`, {
    hint: hintFor(end),
    kind: how,
    permanent: false,
    command: end,
  });
}

const ownWords = "what it wrote itself stands above in the log";

function hintFor(end: CommandEnd): string {
  if ("signal" in end ? end.signal === "SIGKILL" : end.exitCode === 137) {
    return "SIGKILL is what a process gets that takes more memory than the limit of its container: see OOMKilled in kubectl describe pod";
  }
  if ("signal" in end) return `somebody or something sent it this signal, or it crashed; ${ownWords}`;
  if (end.exitCode === 126) return `a shell found a program and could not execute it; ${ownWords}`;
  if (end.exitCode === 127) return `a shell did not find a program; ${ownWords}`;
  return ownWords;
}
