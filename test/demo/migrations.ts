import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const migrations = {
  "001_users.sql":
    "create table users (id bigint generated always as identity primary key, email text not null);\n",
  "002_unique_email.sql": "create unique index users_email on users (lower(email));\n",
  "003_orders.sql":
    "create table orders (id bigint primary key, user_id bigint not null references users);\n",
};

/** Answers the folder. */
export function writeMigrations(folder: string): string {
  mkdirSync(folder, { recursive: true });
  for (const [name, sql] of Object.entries(migrations)) writeFileSync(join(folder, name), sql);
  return folder;
}
