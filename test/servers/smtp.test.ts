import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { issue, makeAuthority } from "../helpers/certificates.ts";
import { startServer } from "../helpers/server-process.ts";
import { fails, ready } from "../helpers/wait.ts";

/** Debian's Python, whose package python3-aiosmtpd it is. */
const python = "/usr/bin/python3";

test("an SMTP server is waited for while it starts, leaves no complaint in its log, and is gone when it has stopped", async () => {
  await using smtp = await startServer((port) => ({
    command: [python, "-m", "aiosmtpd", "-n", "-d", "-l", `127.0.0.1:${port}`],
  }));
  const url = `smtp://127.0.0.1:${smtp.port}`;
  await ready(url);
  await smtp.stop();
  assert.match(smtp.log(), /QUIT/);
  assert.doesNotMatch(smtp.log(), /EOF|error|exception|reset/i);
  await ready("--absent", url);
  smtp.start();
  await ready(url);
});

/** Lets in who has the password, once the connection is encrypted. */
const withLogin = `
import ssl, sys, threading
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import AuthResult
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("cert.pem", "key.pem")
def authenticate(server, session, envelope, mechanism, data):
    return AuthResult(success=(data.login, data.password) == (b"app", b"s3cret"), handled=False)
Controller(Sink(), hostname="127.0.0.1", port=int(sys.argv[1]), tls_context=context, require_starttls=True,
    authenticator=authenticate, auth_exclude_mechanism=sys.argv[2:]).start()
threading.Event().wait()
`;

test("a password logs in over TLS that is verified, by each mechanism, and a wrong one is refused", async () => {
  const authority = makeAuthority();
  const { cert, key } = issue({ names: ["localhost"], issuer: authority });
  for (const excluded of ["LOGIN", "PLAIN"]) {
    await using smtp = await startServer((port, folder) => {
      for (const [name, text] of Object.entries({ cert, key, ca: authority.cert }))
        writeFileSync(join(folder, `${name}.pem`), text);
      return { command: [python, "-c", withLogin, `${port}`, excluded] };
    });
    const at = (userinfo: string) => `smtp://${userinfo}localhost:${smtp.port}`;
    const ca = ["--ca", join(smtp.folder, "ca.pem")];
    await ready(...ca, at("app:s3cret@"));
    const wrong = await fails("refused", ...ca, at("app:wrong@"));
    assert.equal(wrong.failure.kind, "smtp:535");
    assert.equal(wrong.attempts, 1);
    assert.equal((await fails("not-ready", at("app:s3cret@"))).failure.kind, "tls:certificate");
  }
});
