import type { Failure } from "../failure.ts";
import type { Conversation } from "./conversation.ts";
import type { ServerError } from "./mysql-wire.ts";

/** What ends the same every time, whoever asks (MySQL Error Message Reference). */
const refusals: Readonly<Record<number, string>> = {
  1129: "the server blocks this address after too many connections that were dropped: look for a TCP probe there, and unblock it with TRUNCATE performance_schema.host_cache or mysqladmin flush-hosts",
  1130: "no account of the server may log in from this address: check the Host part of the accounts",
};

const checkPassword =
  "check the user and the password, and that the Secret is the one that the server was set up with";
const checkAccount = "the account is locked or its password has expired: look at it with SHOW CREATE USER";

/** What ends the same every time for this account; the codes from 4000 on are MariaDB's. */
const loginRefusals: Readonly<Record<number, string>> = {
  ...refusals,
  1044: "the user has no privilege on the database: check its grants and the name of the database",
  1045: `${checkPassword}; the account must be one for the address of this pod, and without TLS one that needs none`,
  1049: "check the name of the database; it must have been created",
  1251: "the account logs in by a plugin that wait-for does not speak: leave the password out of the URL",
  1524: "the account logs in by a plugin that the server has not loaded: look at it with SHOW CREATE USER",
  1698: checkPassword,
  1862: checkAccount,
  3118: checkAccount,
  3955: checkAccount,
  4150: checkAccount,
  4151: checkAccount,
};

/** Errors of a server that will be ready later. */
const notYet: Readonly<Record<number, string>> = {
  1040: "the server has no connection left: look at max_connections and at who holds them",
  1047: "the node is cut off from its Galera cluster: look at wsrep_cluster_status and at its log",
  1053: "the server is shutting down; if it does not come back, look at its log",
  1203: "the user has no connection left: look at max_user_connections and at who holds them",
  1226: "the user has used up its limit for an hour: look at the account with SHOW CREATE USER",
  3032: "the server is in offline mode: look at who has set offline_mode, and why",
};

/** Errors that say nothing of whether the server is ready. */
const others: Readonly<Record<number, string>> = {
  3159: "the server wants TLS: write ssl-mode=required in the URL",
};

/** An error in the place of the greeting. */
export function failedGreeting(conversation: Conversation, error: ServerError): Failure {
  return failed(conversation, error, refusals);
}

/** An error in the answer to credentials. */
export function failedLogin(conversation: Conversation, error: ServerError): Failure {
  return failed(conversation, error, loginRefusals);
}

/** Whether an error tells that the server is not ready, and not only that it does not let us in. */
export const isNotYet = ({ code }: ServerError): boolean => code in notYet;

function failed(
  conversation: Conversation,
  { code, message }: ServerError,
  permanent: Readonly<Record<number, string>>,
): Failure {
  const says = `${message} (error ${code})`;
  const kind = `mysql:${code}`;
  const refusal = permanent[code];
  if (refusal !== undefined) return conversation.refused(says, { kind, hint: refusal });
  return conversation.notReady(says, {
    kind,
    hint: notYet[code] ?? others[code] ?? "look the error up in the log of the server",
  });
}
