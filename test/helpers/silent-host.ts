import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** An address of loopback that never answers a connection, as behind a firewall that drops packets. */
export interface SilentHost extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
}

const listen = `
  const server = require("node:net").createServer();
  const [host, port] = process.argv.slice(1);
  server.listen({ host, port: Number(port), backlog: 1 }, () => console.log(server.address().port));
`;

/** A stopped process whose queue of connections is full: the kernel lets more of them wait. */
export async function startSilentHost(host = "127.0.0.1", port = 0): Promise<SilentHost> {
  const child: ChildProcess = spawn(process.execPath, ["-e", listen, host, String(port)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(child.stdout!.setEncoding("utf8"), "data")) as [string];
  const taken = Number(line);
  child.kill("SIGSTOP");
  const fill = await fillQueue(host, taken);
  return {
    host,
    port: taken,
    async [Symbol.asyncDispose]() {
      for (const socket of fill) socket.destroy();
      const closed = once(child, "close");
      child.kill("SIGKILL");
      await closed;
    },
  };
}

async function fillQueue(host: string, port: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  for (let connected = true; connected;) {
    const socket = connect({ host, port }).on("error", () => {});
    sockets.push(socket);
    const quiet = new Promise<boolean>((resolve) => setTimeout(resolve, 300, false));
    connected = await Promise.race([once(socket, "connect").then(() => true), quiet]);
  }
  return sockets;
}
