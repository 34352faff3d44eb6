import { type Authority, issue } from "./certificates.ts";
import { type Postgres, startPostgres } from "./postgres.ts";
import { query } from "./query.ts";

/**
 * A PostgreSQL for localhost that speaks TLS as well. It has roles that may log in only with TLS, only without, and
 * only with a certificate, and `app`, whose password is `pass word`.
 */
export async function startTlsPostgres(authority: Authority): Promise<Postgres> {
  const { cert, key } = issue({ name: "db", names: ["localhost"], issuer: authority });
  const pg = await startPostgres({
    settings: { ssl: "on", ssl_cert_file: "server.crt", ssl_key_file: "server.key", ssl_ca_file: "ca.crt" },
    files: { "server.crt": cert, "server.key": key, "ca.crt": authority.cert },
    hba: [
      "hostssl all by_certificate all cert",
      "hostssl all with_tls all trust",
      "hostnossl all without_tls all trust",
      "host all with_tls,without_tls all reject",
    ],
  });
  const roles = ["by_certificate", "with_tls", "without_tls", "app"].map(
    (name) => `create role ${name} login`,
  );
  await query(pg.url, `${roles.join("; ")} password 'pass word'`);
  return pg;
}
