import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { issue, makeAuthority } from "../helpers/certificates.ts";
import { runTask } from "../helpers/run-task.ts";
import { type ServerProcess, startServer } from "../helpers/server-process.ts";
import { fails, ready } from "../helpers/wait.ts";

const authority = makeAuthority();
const { cert, key } = issue({ names: ["localhost"], issuer: authority });

/** nginx in the foreground, with these lines in its server. */
const startNginx = (listen: (port: number) => string, ...lines: string[]): Promise<ServerProcess> =>
  startServer((port, folder) => {
    for (const [name, text] of Object.entries({ cert, key, ca: authority.cert }))
      writeFileSync(join(folder, `${name}.pem`), text);
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
      (kind) => `${kind}_temp_path ${folder};`,
    );
    const server = [`listen 127.0.0.1:${listen(port)};`, ...lines].join("\n");
    const http = ["access_log off;", ...temporary, `server { ${server} }`].join("\n");
    const conf = `daemon off; pid nginx.pid; error_log stderr info; events {} http { ${http} }`;
    writeFileSync(join(folder, "nginx.conf"), conf);
    return { command: ["nginx", "-p", folder, "-c", "nginx.conf", "-e", "stderr"] };
  });

test("nginx is found ready while it starts and starts again, and is gone when it has stopped", async () => {
  await using nginx = await startNginx(String, "location / { return 204; }");
  const url = `http://127.0.0.1:${nginx.port}/healthz`;
  await ready(url, "--status", "204");
  await ready(`tcp://127.0.0.1:${nginx.port}`);
  await nginx.stop("SIGQUIT");
  await ready("--absent", url);
  const waiting = ready(url, "--stable-for", "500ms");
  nginx.start();
  await waiting;
  assert.doesNotMatch(nginx.log(), /\[(?:warn|error|crit|alert|emerg)\]/);
});

test("nginx without its upstream is not ready, and says so by its status", async () => {
  await using nginx = await startNginx(String, "location / { proxy_pass http://127.0.0.1:1; }");
  const url = `http://127.0.0.1:${nginx.port}/`;
  await ready(`tcp://127.0.0.1:${nginx.port}`);
  assert.equal((await fails("not-ready", url)).failure.kind, "expectation:status-502");
  await ready("--absent", url);
});

test("nginx with TLS is asked by its name, and wants a client certificate only where it does", async () => {
  await using nginx = await startNginx(
    (port) => `${port} ssl`,
    "ssl_certificate cert.pem; ssl_certificate_key key.pem; ssl_client_certificate ca.pem; ssl_verify_client on;",
    'location / { return 200 \'{"status":"up"}\'; }',
  );
  const files = Object.fromEntries(
    ["ca", "cert", "key"].map((name) => [name, join(nginx.folder, `${name}.pem`)]),
  );
  const own = ["--ca", files["ca"]!];
  const client = ["--cert", files["cert"]!, "--key", files["key"]!];
  await ready(`https://localhost:${nginx.port}`, ...own, ...client, "--json", "status=up");
  await ready(`https://127.0.0.1:${nginx.port}`, ...own, ...client, "--server-name", "localhost");
  assert.equal(
    (await fails("not-ready", `https://localhost:${nginx.port}`, ...own)).failure.kind,
    "expectation:status-400",
  );
  const unknown = await runTask("wait-for", [`https://localhost:${nginx.port}`, "--retries", "0"]);
  assert.equal(unknown.failure?.kind, "tls:certificate");
});
