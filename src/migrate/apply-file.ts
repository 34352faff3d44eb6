import { rollBack, type Work } from "./apply.ts";
import { applySteps } from "./apply-steps.ts";
import { bookkeeping } from "./bookkeeping.ts";
import type { Applied } from "./history-plan.ts";
import { wantsNoTransaction } from "./no-transaction.ts";
import { listen } from "./notices.ts";
import { type ScriptFile, statementsOf } from "./script-file.ts";
import { sessionRefusal } from "./session-needs.ts";
import { discardSql } from "./surroundings.ts";

/**
 * Applies a file in a transaction, or statement by statement, also where only the server tells that it has to be.
 * @param begun how far an earlier attempt has come with it, statement by statement
 * @param inTransaction applies it in a transaction
 */
export async function applyFile(
  work: Work,
  file: ScriptFile,
  begun: Applied | undefined,
  inTransaction: () => Promise<void>,
): Promise<void> {
  listen(work, file);
  if (!file.transaction) return await applySteps(work, file, begun);
  try {
    await inTransaction();
  } catch (error) {
    if (!wantsNoTransaction(error, statementsOf(file))) throw error;
    await applyWithout(work, { ...file, transaction: false });
  }
}

async function applyWithout(work: Work, file: ScriptFile): Promise<void> {
  const { session, span, log } = work;
  const { name } = file.migration;
  listen(work, file);
  await rollBack(session);
  if (span === "transaction")
    throw sessionRefusal(`${name}, which cannot be one transaction,`, session.where);
  await bookkeeping("cannot clear the session", () => session.query(discardSql));
  log.info(`${name} cannot be one transaction, so it is applied statement by statement`);
  await applySteps(work, file, undefined);
}
