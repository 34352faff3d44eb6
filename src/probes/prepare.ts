import { readTlsSettings, type TlsArguments } from "../net/tls.ts";
import type { HttpExpectation } from "./http.ts";
import { protocols } from "./protocols.ts";
import type { Target } from "./target.ts";
import type { Probe } from "./steady.ts";

export type ProbeOptions = Omit<HttpExpectation, "tls"> & { readonly tls: TlsArguments };

/**
 * How to look at each target. Reads the files that options and URLs name.
 * @throws Failure `configuration` where such a file is missing or unusable
 */
export async function prepareProbes(targets: readonly Target[], options: ProbeOptions): Promise<Probe[]> {
  const expected: HttpExpectation = { ...options, tls: await readTlsSettings(options.tls) };
  return await Promise.all(targets.map((target) => probeFor(target, expected)));
}

/** A protocol is loaded when a target speaks it. */
async function probeFor(target: Target, expected: HttpExpectation): Promise<Probe> {
  switch (target.scheme) {
    case "tcp":
    case "unix": {
      const { probeTcp } = await import("./tcp.ts");
      return (signal) => probeTcp(target, signal);
    }
    case "dns": {
      const { probeDns } = await import("./dns.ts");
      return (signal) => probeDns(target, signal);
    }
    case "kubernetes": {
      const { prepareKubernetes } = await import("../kubernetes/probe.ts");
      return await prepareKubernetes(target, expected.env);
    }
    case "file": {
      const { probeFile } = await import("./file.ts");
      return () => probeFile(target);
    }
    case "postgres": {
      const [{ probePostgres }, { postgresTls }] = await Promise.all([
        import("./postgres.ts"),
        import("../postgres/tls.ts"),
      ]);
      const tls = await postgresTls(target.settings, expected.env["HOME"]);
      return (signal) => probePostgres(target, tls, signal);
    }
    case "server": {
      const [{ probeServers }, probes] = await Promise.all([
        import("./server.ts"),
        protocols[target.protocol].load(),
      ]);
      return (signal) => probeServers(probes, { target, tls: expected.tls, signal });
    }
    case "http":
    case "https": {
      const { probeHttp } = await import("./http.ts");
      return (signal) => probeHttp(target, expected, signal);
    }
  }
}
