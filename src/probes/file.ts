import { stat } from "node:fs/promises";
import { Failure } from "../failure.ts";
import { quote } from "../format.ts";
import { errnoOf, fileFailure } from "../system-errors.ts";
import type { FileTarget } from "./target.ts";

/**
 * Ready when something is at the path; a link counts as what it leads to.
 * @throws Failure `not-ready`
 */
export async function probeFile({ path }: FileTarget): Promise<void> {
  try {
    await stat(path);
  } catch (error) {
    throw notThere(path, error);
  }
}

function notThere(path: string, error: unknown): Failure {
  const errno = errnoOf(error);
  if (errno === "ENOENT") {
    return new Failure("not-ready", `${quote(path)} is not there`, {
      kind: "expectation:exists",
      hint: "look at who is to write it, and that both containers mount the same volume there",
    });
  }
  const { message, hint } = fileFailure(`cannot look at ${quote(path)}`, error);
  return new Failure("not-ready", message, { kind: `file:${errno}`, hint, cause: error });
}
