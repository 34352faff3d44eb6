import { bookkeeping } from "./history.ts";
import type { Applied } from "./history-plan.ts";
import { applyInTransaction, type Work } from "./apply.ts";
import { applySteps } from "./apply-steps.ts";
import { wantsNoTransaction } from "./no-transaction.ts";
import { type ScriptFile, statementsOf } from "./script-file.ts";
import { discardSql } from "./surroundings.ts";

/**
 * Applies a file in a transaction, or statement by statement: where it is marked so, where its text or the server
 * tells that it has to be, and where it was begun so, since it ends so then.
 */
export async function applyFile(work: Work, file: ScriptFile, begun: Applied | undefined): Promise<void> {
  const steps = { ...file, transaction: false };
  if (begun || !file.transaction) return await applySteps(work, steps, begun);
  try {
    await applyInTransaction(work, file);
  } catch (error) {
    if (work.span === "transaction" || !wantsNoTransaction(error, statementsOf(file))) throw error;
    await rollBack(work);
    work.log.info(
      `${file.migration.name} cannot be one transaction, so it is applied statement by statement`,
    );
    await applySteps(work, steps, undefined);
  }
}

async function rollBack({ session }: Work): Promise<void> {
  await bookkeeping("cannot roll back", async () => {
    await session.query("rollback");
    await session.query(discardSql);
  });
}
