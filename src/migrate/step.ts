import type { DatabaseSettings } from "../postgres/settings.ts";
import type { Context } from "../task.ts";
import type { ToolName } from "./adopt/names.ts";
import type { Tool } from "./adopt/tool.ts";
import type { MigrationSource } from "./files.ts";
import type { Start } from "./start.ts";
import type { Variables } from "./variables.ts";
import type { Version } from "./version.ts";

export interface MigrateOptions {
  readonly dir: string;
  readonly database: string | undefined;
  readonly table: string;
  readonly schema: string | undefined;
  readonly createDatabase: boolean;
  /** In milliseconds, `Infinity` for no limit of its own. */
  readonly lockTimeout: number;
  readonly statementTimeout: number;
  readonly to: Version | undefined;
  readonly baseline: Version | undefined;
  readonly adopt: readonly (ToolName | "auto")[];
  readonly variables: Variables;
  readonly outOfOrder: boolean;
  readonly waitOnly: boolean;
  readonly dryRun: boolean;
}

/** What the attempts of one step share. */
export interface Step {
  readonly context: Context;
  readonly options: MigrateOptions;
  readonly settings: DatabaseSettings;
  readonly source: MigrationSource;
  readonly tools: readonly Tool[];
  readonly appliedBy: string;
  readonly applied: string[];
  /** What the history began with, where this step has recorded it. */
  started: Start | undefined;
  readonly warned: Set<string>;
  /** When the wait for the lock began. */
  waitingSince: number | undefined;
}
