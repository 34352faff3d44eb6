/** The inner client of undici: HTTP/1.1 over one connection, without fetch and its web types. */
declare module "undici/lib/dispatcher/client.js" {
  import { Client } from "undici";
  export default Client;
}
