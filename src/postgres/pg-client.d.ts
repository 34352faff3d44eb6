/** The client alone, without the pool and the native binding. */
declare module "pg/lib/client.js" {
  import { Client } from "pg";
  export default Client;
}
