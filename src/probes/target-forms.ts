import { protocols } from "./protocols.ts";

type Row = readonly [form: string, ready: string];

const plainTargets: readonly Row[] = [
  [
    "tcp://host:port, host:port",
    "the connection stands and is not closed at once, as a proxy without a backend does",
  ],
  [
    "http://, https://",
    "the answer has an expected status (status, match, json); proxies of the environment are used, certificates verified",
  ],
  [
    "postgres://, postgresql://",
    "the server lets clients log in, twice, 250ms apart; a password logs in; sslmode, sockets and several hosts as libpq has them",
  ],
];

const otherTargets: readonly Row[] = [
  [
    "dns:name, dns:name?type=SRV",
    "the name has an address, or a record of the type, in the pod's search list too",
  ],
  ["file:/path", "something is there"],
  ["unix:/path", "the socket takes connections and does not close them at once"],
  [
    "kubernetes:KIND/[NAMESPACE/]NAME[?condition=TYPE]",
    "a job is complete, a pod Ready, a deployment, statefulset or daemonset has every replica, a service a ready endpoint, anything else exists; or the condition is true",
  ],
];

/** Every form of a target with what makes it ready, for help and README. */
export function targetForms(): readonly Row[] {
  const servers = Object.values(protocols).map(({ schemes, ready }): Row => [
    Object.keys(schemes)
      .map((scheme) => `${scheme}://`)
      .join(", "),
    ready,
  ]);
  return [...plainTargets, ...servers, ...otherTargets];
}
