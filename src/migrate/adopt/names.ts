/** The tools whose databases can be adopted. */
export const toolNames = [
  "dbmate",
  "golang-migrate",
  "flyway",
  "goose",
  "node-pg-migrate",
  "graphile-migrate",
  "sqlx",
  "tern",
  "postgrator",
  "knex",
] as const;

export type ToolName = (typeof toolNames)[number];
