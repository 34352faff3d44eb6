import { serverWords } from "../format.ts";
import type { Notice } from "../postgres/session.ts";
import type { Log } from "../task.ts";
import type { Work } from "./apply.ts";
import type { ScriptFile } from "./script-file.ts";

/** What the server says beside its answers to what is sent from now on is logged with the name of the file. */
export function listen({ session, log }: Pick<Work, "session" | "log">, { migration }: ScriptFile): void {
  session.onNotice = (notice) => tell(log, migration.name, notice);
}

function tell(log: Log, name: string, { severity, message }: Notice): void {
  const text = `${name}: ${severity}: ${serverWords(message ?? "")}`;
  if (severity === "WARNING") log.warn(text);
  else if (severity?.startsWith("DEBUG")) log.debug(text);
  else log.info(text);
}
