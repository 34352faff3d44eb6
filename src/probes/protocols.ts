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
    ready: "",
    load: () => import("./mysql.ts"),
  },
  amqp: {
    label: "AMQP",
    schemes: { amqp: "plain", amqps: "tls" },
    port: 5672,
    tlsPort: 5671,
    ready: "",
    load: () => import("./amqp.ts"),
  },
  mongodb: {
    label: "MongoDB",
    schemes: { mongodb: "plain", "mongodb+srv": "tls" },
    port: 27017,
    isDatabase: true,
    ready: "",
    load: () => import("./mongodb.ts"),
  },
  nats: {
    label: "NATS",
    schemes: { nats: "plain", tls: "tls" },
    port: 4222,
    upgrades: true,
    ready: "",
    load: () => import("./nats.ts"),
  },
  kafka: {
    label: "Kafka",
    schemes: { kafka: "plain", "kafka+ssl": "tls" },
    port: 9092,
    tlsPort: 9093,
    ready: "",
    load: () => import("./kafka.ts"),
  },
  zookeeper: {
    label: "ZooKeeper",
    schemes: { zookeeper: "plain", zk: "plain" },
    port: 2181,
    ready: "",
    load: () => import("./zookeeper.ts"),
  },
  grpc: {
    label: "gRPC",
    schemes: { grpc: "plain", grpcs: "tls" },
    ready: "",
    load: () => import("./grpc.ts"),
  },
  memcached: {
    label: "Memcached",
    schemes: { memcached: "plain", memcache: "plain" },
    port: 11211,
    ready: "",
    load: () => import("./memcached.ts"),
  },
  smtp: {
    label: "SMTP",
    schemes: { smtp: "plain", smtps: "tls" },
    port: 25,
    tlsPort: 465,
    ready: "",
    load: () => import("./smtp.ts"),
  },
} as const satisfies Record<string, Protocol>;

export type ProtocolName = keyof typeof table;

/** Every such protocol, in the order of the documentation. One is loaded when a target speaks it. */
export const protocols: Readonly<Record<ProtocolName, Protocol>> = table;
