import { now } from "../deadline.ts";
import { Failure } from "../failure.ts";
import { isServerError } from "../postgres/errors.ts";
import { ScriptError } from "../postgres/script.ts";
import type { Session } from "../postgres/session.ts";
import { begin, runPart, sendPart, type Work } from "./apply.ts";
import { dropBrokenIndex, dropInvalidTwins } from "./broken-index.ts";
import { bookkeeping } from "./bookkeeping.ts";
import { finishSql, progressSql, recordBegin } from "./history.ts";
import { shown } from "./history-place.ts";
import type { Applied } from "./history-plan.ts";
import { refusesTransaction, runsConcurrently } from "./no-transaction.ts";
import { type ScriptFile, statementsOf } from "./script-file.ts";
import { setsTransaction } from "./session-needs.ts";
import { sqlFailure } from "./sql-failure.ts";
import type { Statement } from "./statements.ts";
import { StatementsChecksum } from "./statements-checksum.ts";
import { discardSql, resetSql, stepOutSql, waitingFreely } from "./surroundings.ts";

/**
 * Applies a file that cannot be one transaction, statement by statement. The history says after each how far it has
 * come, in the statement's own transaction where it can have one, so that another attempt goes on behind it.
 */
export async function applySteps(work: Work, file: ScriptFile, begun: Applied | undefined): Promise<void> {
  const startedAt = now();
  const steps = [...statementsOf(file)];
  const run = new StepRun(work, file, steps);
  const resumed = begun && run.goesOn(begun) ? begun : undefined;
  if (resumed) await run.resume(resumed);
  else await recordBegin(work.session, work.place, file.migration, work.appliedBy);
  await run.all(resumed);
  const finish = [
    resetSql,
    work.settings,
    finishSql(work.place, file.migration, now() - startedAt),
    discardSql,
  ];
  await runOwn(work, finish.join(";\n"));
}

/** Runs initkit's own SQL. */
async function runOwn({ session, place }: Work, sql: string): Promise<void> {
  await bookkeeping(`cannot write to ${shown(place)}`, async () => {
    await session.run(sql).catch((error: unknown) => {
      throw error instanceof ScriptError ? error.error : error;
    });
  });
}

/** The server says so before the statement has done anything. */
const needsNoTransaction = new Set(["25001", "2D000"]);

/** It is there, or it is gone, already. */
const doneBefore = new Set(["42P04", "42P07", "42704", "42710"]);

class StepRun {
  readonly #work: Work;
  readonly #session: Session;
  readonly #file: ScriptFile;
  readonly #steps: readonly Statement[];
  readonly #checksum: StatementsChecksum;

  constructor(work: Work, file: ScriptFile, steps: readonly Statement[]) {
    this.#work = work;
    this.#session = work.session;
    this.#file = file;
    this.#steps = steps;
    this.#checksum = new StatementsChecksum(file, steps);
  }

  async all(begun: Applied | undefined): Promise<void> {
    const from = begun?.statements_done ?? 0;
    const uncertain = begun !== undefined && begun.statements_started > from;
    for (let at = from; at < this.#steps.length; at++) {
      this.#work.log.progress(`${this.#file.migration.name}: statement ${at + 1} of ${this.#steps.length}`);
      await this.#step(at, uncertain && at === from);
    }
    if (this.#session.transaction !== "none") throw leftOpen(this.#file);
  }

  /**
   * Whether what is done is what stands in the file now. A repeatable file may begin anew.
   * @throws Failure `history` where a versioned file was edited there
   */
  goesOn({ statements_done: done, done_checksum: checksum }: Applied): boolean {
    if (done === 0 || (done <= this.#steps.length && this.#checksum.of(done) === checksum)) return true;
    if (this.#file.migration.kind === "repeatable") return false;
    throw editedMeanwhile(this.#file, done);
  }

  /** What the file had set in its session is set again. */
  async resume({ statements_done: done }: Applied): Promise<void> {
    for (const step of this.#steps.slice(0, done)) {
      if (this.#setsSession(step)) await this.#run(step);
    }
  }

  async #step(at: number, uncertain: boolean): Promise<void> {
    const step = this.#steps[at]!;
    if (this.#session.transaction !== "none") await this.#inFilesTransaction(step, at);
    else if (/^(?:BEGIN|START)$/.test(step.words[0] ?? "")) await this.#run(step);
    else if (refusesTransaction(step, this.#file.body.sql)) await this.#alone(step, at, uncertain);
    else if (!(await this.#inOwnTransaction(step, at))) await this.#alone(step, at, uncertain);
  }

  /** A transaction that the file itself has opened: its COMMIT also commits how far we are. */
  async #inFilesTransaction(step: Statement, at: number): Promise<void> {
    if (/^(?:COMMIT|END)$/.test(step.words[0] ?? "")) await runOwn(this.#work, this.#progress(at + 1));
    await this.#run(step);
    if (this.#session.transaction === "none") await this.#record(at + 1);
  }

  /** @returns false where the statement cannot run in a transaction */
  async #inOwnTransaction(step: Statement, at: number): Promise<boolean> {
    await begin(this.#session);
    try {
      await sendPart(this.#session, this.#file, step);
    } catch (error) {
      if (!(error instanceof ScriptError)) throw error;
      if (!isServerError(error.error) || !needsNoTransaction.has(error.error.code)) {
        throw sqlFailure(this.#file, step, error);
      }
      await this.#session.query("rollback");
      return false;
    }
    await runOwn(this.#work, `${this.#progress(at + 1)}; commit`);
    return true;
  }

  async #alone(step: Statement, at: number, uncertain: boolean): Promise<void> {
    await this.#record(at, at + 1);
    const run = () => this.#outsideTransactions(step, uncertain);
    await (runsConcurrently(this.#textOf(step)) ? waitingFreely(this.#session, run) : run());
    await this.#record(at + 1);
  }

  async #outsideTransactions(step: Statement, uncertain: boolean): Promise<void> {
    const text = this.#textOf(step);
    await dropBrokenIndex(this.#session, text, this.#work.log);
    try {
      await sendPart(this.#session, this.#file, step);
    } catch (error) {
      if (!(error instanceof ScriptError)) throw error;
      const done = uncertain && isServerError(error.error) && doneBefore.has(error.error.code);
      if (!done) throw sqlFailure(this.#file, step, error);
    }
    if (uncertain && runsConcurrently(text)) await dropInvalidTwins(this.#session, text, this.#work.log);
  }

  #run(step: Statement): Promise<void> {
    return runPart(this.#session, this.#file, step);
  }

  #record(done: number, started = done): Promise<void> {
    return runOwn(this.#work, `begin read write; ${this.#progress(done, started)}; commit`);
  }

  #progress(done: number, started = done): string {
    const { place } = this.#work;
    const progress = { started, done, doneChecksum: this.#checksum.of(done) };
    return `${stepOutSql}; ${progressSql(place, this.#file.migration, progress)}`;
  }

  #textOf({ start, end }: Statement): string {
    return this.#file.body.sql.slice(start, end);
  }

  /** SET and RESET, and what pg_dump writes for them. */
  #setsSession(step: Statement): boolean {
    const [first, second = ""] = step.words;
    if (first === "SET") return !setsTransaction(second);
    return first === "RESET" || /^select\s+(?:pg_catalog\s*\.\s*)?set_config\s*\(/i.test(this.#textOf(step));
  }
}

const leftOpen = ({ migration }: ScriptFile): Failure =>
  new Failure("sql", `${migration.name}: the file ends within a transaction that it has begun`, {
    hint: "that transaction was rolled back; add its COMMIT and run again",
  });

const editedMeanwhile = ({ migration }: ScriptFile, done: number): Failure =>
  new Failure(
    "history",
    `${migration.name}: of its first ${done} statements, which are applied, some were edited`,
    {
      hint: "restore them as they were; only what comes behind may change",
    },
  );
