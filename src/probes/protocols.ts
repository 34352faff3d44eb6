import type { Probes } from "./server.ts";

/** A protocol that is spoken with a server over TCP, TLS or a Unix socket. */
export interface Protocol {
  /** As people write it. */
  readonly label: string;
  /** What the URLs of clients begin with, and how each of them connects. */
  readonly schemes: Readonly<Record<string, "plain" | "tls" | "socket">>;
  /** Where servers listen, if there is a usual port. */
  readonly port?: number;
  readonly tlsPort?: number;
  /** URLs may name a driver after the scheme: `mysql+pymysql`. */
  readonly hasDrivers?: boolean;
  /** Parameters, in small letters, that say `true` or `false` about TLS from the first byte, whatever the scheme is. */
  readonly tlsParameters?: readonly string[];
  /** It goes over to TLS by words of its own, so the TLS options have a meaning without a scheme for it. */
  readonly upgrades?: boolean;
  /** Its images start a temporary server while they set up the real one. */
  readonly isDatabase?: boolean;
  /** What makes a server ready, for the documentation. */
  readonly ready: string;
  readonly load: () => Promise<Probes>;
}

const table = {
  redis: {
    label: "Redis",
    schemes: { redis: "plain", rediss: "tls", "redis+unix": "socket", "redis+socket": "socket" },
    port: 6379,
    ready: "it answers `PING`, asking for a password included, and has loaded its data; a password logs in",
    load: () => import("./redis.ts"),
  },
  mysql: {
    label: "MySQL",
    schemes: { mysql: "plain", mysql2: "plain", mariadb: "plain", trilogy: "plain" },
    port: 3306,
    hasDrivers: true,
    upgrades: true,
    isDatabase: true,
    ready: "it greets, which it does once it is open for connections; a password logs in, into the database",
    load: () => import("./mysql.ts"),
  },
  amqp: {
    label: "AMQP",
    schemes: { amqp: "plain", amqps: "tls" },
    port: 5672,
    tlsPort: 5671,
    ready:
      "it begins the handshake of AMQP 0-9-1 (RabbitMQ warns in its log of one without a login); a password logs in and opens the virtual host",
    load: () => import("./amqp.ts"),
  },
  mongodb: {
    label: "MongoDB",
    schemes: { mongodb: "plain", "mongodb+srv": "tls" },
    port: 27017,
    tlsParameters: ["tls", "ssl"],
    isDatabase: true,
    ready:
      "it is a standalone server, a primary, a secondary or a router (of the set that `replicaSet` names); a password logs in",
    load: () => import("./mongodb.ts"),
  },
  nats: {
    label: "NATS",
    // NATS has TLS after its first message, also where the URL asks for it.
    schemes: { nats: "plain", tls: "plain" },
    port: 4222,
    tlsParameters: ["handshake_first"],
    upgrades: true,
    ready:
      "it sends `INFO`, asking for a login included, and is not about to stop; a password or token logs in",
    load: () => import("./nats.ts"),
  },
  kafka: {
    label: "Kafka",
    schemes: { kafka: "plain", "kafka+ssl": "tls" },
    port: 9092,
    tlsPort: 9093,
    ready: "it knows of a registered broker, or asks for a login (SASL); a password logs in with PLAIN",
    load: () => import("./kafka.ts"),
  },
  zookeeper: {
    label: "ZooKeeper",
    schemes: { zookeeper: "plain", zk: "plain" },
    port: 2181,
    ready: "it answers `srvr` and has a quorum, or stands alone",
    load: () => import("./zookeeper.ts"),
  },
  grpc: {
    label: "gRPC",
    schemes: { grpc: "plain", grpcs: "tls" },
    ready: "its health service says `SERVING`, of the service in the path or of the server as a whole",
    load: () => import("./grpc.ts"),
  },
  memcached: {
    label: "Memcached",
    schemes: { memcached: "plain", memcache: "plain" },
    port: 11211,
    ready:
      "it answers `version`, asking for a login included; a password logs in, by SASL where that is wanted",
    load: () => import("./memcached.ts"),
  },
  smtp: {
    label: "SMTP",
    schemes: { smtp: "plain", smtps: "tls" },
    port: 25,
    tlsPort: 465,
    upgrades: true,
    ready: "it greets with 220; a password logs in, over TLS where the server offers `STARTTLS`",
    load: () => import("./smtp.ts"),
  },
} as const satisfies Record<string, Protocol>;

export type ProtocolName = keyof typeof table;

/** Every such protocol, in the order of the documentation. One is loaded when a target speaks it. */
export const protocols: Readonly<Record<ProtocolName, Protocol>> = table;
