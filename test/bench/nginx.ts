import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ServerProcess, startServer } from "../helpers/server-process.ts";

/** nginx in a process of its own, which serves the files of a folder on loopback. */
export function startNginx(served: string): Promise<ServerProcess> {
  return startServer((port, own) => {
    writeFileSync(join(own, "nginx.conf"), configuration(port, own, served));
    return { command: ["nginx", "-p", own, "-c", "nginx.conf", "-e", "stderr"] };
  });
}

function configuration(port: number, own: string, served: string): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (kind) => `${kind}_temp_path ${own};`,
  );
  return `daemon off; pid nginx.pid; user root; error_log stderr; events {} http { access_log off; sendfile on;
    ${temporary.join("\n")} server { listen 127.0.0.1:${port}; root ${served}; } }`;
}
