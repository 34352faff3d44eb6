import { dbmate } from "./dbmate.ts";
import { flyway } from "./flyway.ts";
import { golangMigrate } from "./golang-migrate.ts";
import { goose } from "./goose.ts";
import { graphileMigrate } from "./graphile-migrate.ts";
import { knex } from "./knex.ts";
import type { ToolName } from "./names.ts";
import { nodePgMigrate } from "./node-pg-migrate.ts";
import { postgrator } from "./postgrator.ts";
import { sqlx } from "./sqlx.ts";
import { tern } from "./tern.ts";
import type { Tool } from "./tool.ts";

const all: Readonly<Record<ToolName, Tool>> = {
  dbmate,
  "golang-migrate": golangMigrate,
  flyway,
  goose,
  "node-pg-migrate": nodePgMigrate,
  "graphile-migrate": graphileMigrate,
  sqlx,
  tern,
  postgrator,
  knex,
};

/** The tools that the option `adopt` names; `auto` is all. */
export function toolsNamed(names: readonly (ToolName | "auto")[]): Tool[] {
  return Object.values(all).filter(({ name }) => names.includes(name) || names.includes("auto"));
}
