import { Failure } from "../failure.ts";
import type { Session } from "./session.ts";
import type { TargetSession } from "./settings.ts";

export type SingleTarget = Exclude<TargetSession, "prefer-standby">;

interface ServerState {
  readonly standby: boolean;
  readonly readonly: boolean;
}

const kinds: Readonly<Record<Exclude<SingleTarget, "any">, (state: ServerState) => boolean>> = {
  "read-write": ({ readonly }) => !readonly,
  "read-only": ({ readonly }) => readonly,
  primary: ({ standby }) => !standby,
  standby: ({ standby }) => standby,
};

/**
 * The session, where its server is of the kind that target_session_attrs wants (PostgreSQL manual, 32.1.2).
 * @throws Failure `database-unavailable`; the session is closed then
 */
export async function ofKind(session: Session, wanted: SingleTarget): Promise<Session> {
  if (wanted === "any") return session;
  try {
    const [state] = await session.query<ServerState & Record<string, unknown>>(stateSql);
    if (state && kinds[wanted](state)) return session;
    throw otherKind(session.where, wanted, state);
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
}

const stateSql = `select pg_catalog.pg_is_in_recovery() as standby,
  pg_catalog.pg_is_in_recovery() or pg_catalog.current_setting('transaction_read_only')::bool as readonly`;

function otherKind(where: string, wanted: SingleTarget, state: ServerState | undefined): Failure {
  const role = state?.standby ? "a standby" : state?.readonly ? "read-only" : "a primary";
  return new Failure("database-unavailable", `${where}: the server is ${role}`, {
    kind: state?.standby || state?.readonly ? "postgres:standby" : "postgres:primary",
    hint: `target_session_attrs=${wanted} wants another one: wait for a failover to end, or name all servers in the URL`,
  });
}
