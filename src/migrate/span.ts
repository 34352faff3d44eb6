import type { Session } from "../postgres/session.ts";
import { isPooled, keepsSessions } from "./pooler.ts";
import type { ScriptFile } from "./script-file.ts";
import { sessionNeedIn, sessionRefusal } from "./session-needs.ts";
import type { Span } from "./surroundings.ts";

/**
 * Whose the lock is to be. Behind a pooler it is a transaction's, unless a file needs a session and the pooler keeps to
 * one.
 * @param openAnother opens a session beside this one
 * @throws Failure `refused` where a file needs a session that the pooler does not keep
 */
export async function spanFor(
  session: Session,
  files: Iterable<ScriptFile>,
  openAnother: () => Promise<Session>,
): Promise<Span> {
  if (!(await isPooled(session))) return "session";
  const need = sessionNeedIn(files);
  if (need === undefined) return "transaction";
  if (await keepsSessions(session, openAnother)) return "session";
  throw sessionRefusal(need, session.where);
}
