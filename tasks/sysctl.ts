import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../src/failure.ts";
import { quote } from "../src/format.ts";
import { type Kind, kind, pair, type Pair } from "../src/kinds.ts";
import { errnoOf, fileFailure } from "../src/system-errors.ts";
import { defineTask, done, flag, oneAttempt, operands, unchanged } from "../src/task.ts";

/** `net.core.somaxconn=1024`; as in sysctl(8) the parts may be separated by slashes, where a part has a dot in it. */
const setting: Kind<Pair> = kind("NAME=VALUE", (text) => {
  const { name, value } = pair.parse(text);
  const parts = partsOf(name.trim());
  if (parts.length < 2 || parts.some((part) => !/^[\w.:@-]+$/.test(part) || /^\.+$/.test(part))) {
    throw new Error("does not begin with the name of a kernel parameter; write vm.max_map_count=262144");
  }
  if (value.trim() === "") throw new Error("has no value");
  return { name: name.trim(), value: normal(value) };
});

const partsOf = (name: string): string[] => name.split(name.includes("/") ? "/" : ".");

/** The kernel separates numbers by tabs. */
const normal = (value: string): string => value.trim().split(/\s+/).join(" ");

export default defineTask({
  name: "sysctl",
  summary: "Sets kernel parameters, where they differ.",
  operands: {
    settings: operands(setting, "kernel parameters below /proc/sys, with the values that they are to have"),
  },
  options: { "at-least": flag("leave a parameter alone that is higher already") },
  pacing: oneAttempt,
  timeoutCode: "io",

  check({ settings, "at-least": atLeast }) {
    const text = settings.find(({ value }) => !/^[0-9]+$/.test(value));
    if (atLeast && text) throw new Error(`at-least compares numbers, and ${quote(text.value)} is none`);
  },

  async run(_, { settings, "at-least": atLeast }) {
    const differing = settings.filter((wanted) => !isMet(read(wanted), wanted, atLeast));
    for (const wanted of differing) set(wanted);
    const names = differing.map(({ name, value }) => `${name}=${value}`).join(", ");
    return differing.length === 0 ? unchanged("every parameter has its value") : done(`set ${names}`);
  },
});

const fileOf = ({ name }: Pair): string => join("/proc/sys", ...partsOf(name));

const isMet = (current: string, { value }: Pair, atLeast: boolean): boolean =>
  atLeast && /^[0-9]+$/.test(current) ? BigInt(current) >= BigInt(value) : current === value;

function read(wanted: Pair): string {
  const file = fileOf(wanted);
  if (!existsSync(file)) throw unknown(wanted);
  try {
    return normal(readFileSync(file, "utf8"));
  } catch (error) {
    throw fileFailure(`cannot read ${quote(file)}`, error);
  }
}

const unknown = ({ name }: Pair): Failure =>
  new Failure("access", `there is no kernel parameter ${quote(name)} here`, {
    hint: "check its name; a container has network parameters of its own, and others need a module of the kernel on the node",
  });

function set(wanted: Pair): void {
  try {
    writeFileSync(fileOf(wanted), wanted.value);
  } catch (error) {
    throw notSet(wanted, error);
  }
}

const needsPrivilege =
  "writing it needs a privileged container (securityContext.privileged: true, as root); parameters of the pod's own namespaces can be set by securityContext.sysctls of the pod instead";

function notSet({ name, value }: Pair, error: unknown): Failure {
  const errno = errnoOf(error) ?? "";
  if (errno === "EINVAL" || errno === "ERANGE") {
    return new Failure("access", `the kernel does not take ${quote(value)} for ${name} (${errno})`, {
      hint: "check the range of the parameter in the documentation of the kernel",
      cause: error,
    });
  }
  const { code, message, hint } = fileFailure(`cannot set ${name}`, error);
  const isDenied = ["EACCES", "EPERM", "EROFS"].includes(errno);
  return new Failure(code, message, { hint: isDenied ? needsPrivilege : hint, cause: error });
}
