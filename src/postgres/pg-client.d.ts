/** The client alone, without the pool and the native binding. */
declare module "pg/lib/client.js" {
  import { Client } from "pg";
  export default Client;
}

/** What the client makes of a query, for one that does otherwise with its answers. */
declare module "pg/lib/query.js" {
  import type { Connection, Submittable } from "pg";

  export default class Query implements Submittable {
    constructor(text: string);
    submit(connection: Connection): void;
    handleRowDescription(): void;
    handleDataRow(): void;
    handleEmptyQuery(): void;
    handleCommandComplete(): void;
    handleCopyInResponse(connection: Connection): void;
    handleError(error: unknown): void;
    handleReadyForQuery(): void;
  }
}
