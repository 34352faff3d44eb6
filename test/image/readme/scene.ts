import { readFileSync } from "node:fs";
import type { RequestListener } from "node:http";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { serviceAccountFolder } from "../../../src/kubernetes/cluster.ts";
import { type Authority, issue, makeAuthority } from "../../helpers/certificates.ts";
import { startFakeKubernetes } from "../../helpers/fake-kubernetes.ts";
import { startFileServer } from "../../helpers/file-server.ts";
import { type Peer, startPeer } from "../../helpers/peers.ts";
import type { Postgres } from "../../helpers/postgres.ts";
import { query } from "../../helpers/query.ts";
import type { Container } from "../podman.ts";

type Files = Readonly<Record<string, string | Buffer>>;

/** What a step of the README finds, and what it must have done. */
export interface Scene {
  /** Folders of its own by their paths, with the files in them. */
  readonly volumes?: Readonly<Record<string, Files>>;
  /** ConfigMaps and Secrets by their paths. */
  readonly mounts?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly env?: Readonly<Record<string, string>>;
  /** `initkit` unless the step needs more. */
  readonly image?: string;
  /** The hosts that have an address from the beginning; all of them unless set. */
  readonly knows?: readonly Host[];
  /** Of podman. */
  readonly options?: readonly string[];
  /** Where a step waits: makes it ready, once its first attempt has failed. */
  readonly arrives?: (container: Container) => unknown;
  /** Looks at what the step has done; `at` leads to a path of a volume. */
  readonly leaves?: (at: (path: string) => string, log: string) => unknown;
}

/** The hosts that the README names, each with an address of its own on loopback, so that their ports are free. */
export const hosts = { db: "127.7.7.1", auth: "127.7.7.2", "example.com": "127.7.7.3" } as const;
export type Host = keyof typeof hosts;

/** Where the steps run: servers under the names of the README, which are gone at the end of the test. */
export class World {
  readonly t: TestContext;
  readonly postgres: Postgres;
  readonly #authority: Authority = makeAuthority();

  constructor(t: TestContext, postgres: Postgres) {
    this.t = t;
    this.postgres = postgres;
  }

  /** Takes connections there. */
  async listen(host: Host, port: number, onConnection: (socket: Socket) => void = () => {}): Promise<Peer> {
    const peer = await startPeer(onConnection, { host: hosts[host], port });
    this.#ends(peer);
    return peer;
  }

  /** Answers HTTP there; on port 443 with a certificate that `trust` vouches for. */
  async serve(host: Host, port: number, answer: RequestListener): Promise<void> {
    const certificate = port === 443 ? issue({ names: [host], issuer: this.#authority }) : undefined;
    const server = await startFileServer(answer, certificate);
    this.#ends(server);
    await this.#lead(host, port, Number(new URL(server.origin).port));
  }

  /** The database server is to be found there. */
  startDatabase(): Promise<void> {
    return this.#lead("db", 5432, this.postgres.port);
  }

  /** Of a new database of that server, or of a missing one. */
  async databaseUrl(name?: string): Promise<string> {
    return `postgres://postgres@db/${name ?? new URL(await this.postgres.createDatabase()).pathname.slice(1)}`;
  }

  /** Runs one statement in a database of that server. */
  query(url: string, sql: string): Promise<Record<string, unknown>[]> {
    return query(url.replace("@db/", `@127.0.0.1:${this.postgres.port}/`), sql);
  }

  async tables(url: string): Promise<string[]> {
    const sql = "select tablename from pg_tables where schemaname = 'public' order by 1";
    return (await this.query(url, sql)).map(({ tablename }) => String(tablename));
  }

  get trust(): Pick<Scene, "env" | "mounts"> {
    return {
      env: { NODE_EXTRA_CA_CERTS: "/ca/ca.crt" },
      mounts: { "/ca": { "ca.crt": this.#authority.cert } },
    };
  }

  /** A cluster in which this object appears only once it was looked for. */
  async cluster(objects: Readonly<Record<string, object>>): Promise<Scene> {
    const kubernetes = await startFakeKubernetes(this.t);
    this.#ends(kubernetes);
    const names = ["token", "ca.crt", "namespace"];
    const files = names.map((name) => [name, readFileSync(join(kubernetes.folder, name), "utf8")]);
    return {
      env: kubernetes.env,
      mounts: { [serviceAccountFolder]: Object.fromEntries(files) },
      arrives() {
        for (const [path, object] of Object.entries(objects)) kubernetes.objects.set(path, object);
      },
    };
  }

  async #lead(host: Host, port: number, to: number): Promise<void> {
    await this.listen(host, port, (client) => {
      const server = connect(to, "127.0.0.1");
      server.on("error", () => {}).on("close", () => client.destroy());
      client.on("close", () => server.destroy());
      client.pipe(server).pipe(client);
    });
  }

  #ends(server: AsyncDisposable): void {
    this.t.after(() => server[Symbol.asyncDispose]());
  }
}
