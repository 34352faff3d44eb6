import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { Access } from "../../src/download/http-source.ts";
import { locateOci } from "../../src/download/oci/locate.ts";
import { Failure } from "../../src/failure.ts";
import { issue, makeAuthority } from "../helpers/certificates.ts";
import { challenge, type FakeRegistry, manifestOf, startFakeRegistry } from "../helpers/fake-registry.ts";
import { type FileServer, startFileServer } from "../helpers/file-server.ts";
import { temporary } from "../helpers/temporary.ts";

const authority = makeAuthority();
const ca = Buffer.from(authority.cert);
const certificate = issue({ names: ["127.0.0.1"], issuer: authority });
const base64 = (text: string): string => Buffer.from(text).toString("base64");
const basic = `Basic ${base64("ada:hunter2")}`;

/** A registry over TLS with one artifact, which wants this Authorization. */
async function startRegistry(challenges: string | string[], wanted?: string): Promise<FakeRegistry> {
  const registry = await startFakeRegistry(certificate);
  registry.put(manifestOf(registry.blob("x")), "latest");
  registry.intercept = challenge(challenges, () => wanted);
  return registry;
}

interface TokenServer extends FileServer {
  readonly forms: URLSearchParams[];
  readonly challenge: string;
}

/** Gives out tokens by what comes with the request. */
async function startTokenServer(
  answer: (asked: IncomingMessage, form: URLSearchParams) => object | number,
  secure = true,
): Promise<TokenServer> {
  const forms: URLSearchParams[] = [];
  const server = await startFileServer(
    async (asked, response) => {
      const form = new URLSearchParams((await asked.setEncoding("utf8").toArray()).join(""));
      forms.push(form);
      const found = answer(asked, form);
      if (typeof found === "number")
        response.writeHead(found, { "retry-after": "9" }).end("hunter2 is wrong");
      else response.end(JSON.stringify(found));
    },
    secure ? certificate : undefined,
  );
  const realm = `realm="${server.origin}/token?account=x",service="the registry"`;
  return {
    ...server,
    forms,
    challenge: `Bearer ${realm},scope="repository:team/app:pull repository:base:pull"`,
  };
}

/** The environment of a step with this Docker configuration. */
function configured(t: TestContext, document: unknown, name = "config.json"): Access["env"] {
  const folder = temporary(t);
  writeFileSync(join(folder, name), typeof document === "string" ? document : JSON.stringify(document));
  return { DOCKER_CONFIG: folder };
}

const nothing = { DOCKER_CONFIG: "/nowhere" };

const locate = (
  registry: FakeRegistry,
  env: Access["env"],
  args: Partial<Access["args"]> = {},
  origin = registry.origin,
) =>
  locateOci(registry.url(), {
    args: { header: [], user: undefined, bearer: undefined, "no-redirects": false, stall: 5000, ...args },
    tls: { ca },
    env,
    origin,
    signal: new AbortController().signal,
  });

async function succeeds(...args: Parameters<typeof locate>): Promise<string | undefined> {
  const [location] = await locate(...args);
  return location!.headers!.find(({ name }) => name === "authorization")?.value;
}

async function fails(...args: Parameters<typeof locate>): Promise<Failure> {
  const failure = await locate(...args).then(
    () => assert.fail("it should have failed"),
    (error: unknown) => error,
  );
  assert.ok(failure instanceof Failure, String(failure));
  assert.ok(failure.hint, failure.message);
  assert.doesNotMatch(`${failure.message} ${failure.hint}`, new RegExp(`hunter2|${base64("ada:hunter2")}`));
  return failure;
}

test("a registry that wants Basic gets the user of the options, once it asks", async () => {
  await using registry = await startRegistry('Basic realm="x"', basic);
  assert.equal(await succeeds(registry, nothing, { user: "ada:hunter2" }), basic);
  assert.equal(registry.seen[0]!.headers.authorization, undefined);
});

test("the options are for the host of the first URL only", async () => {
  await using registry = await startRegistry('Basic realm="x"', basic);
  const elsewhere = "https://elsewhere.example";
  const header = [{ name: "authorization", value: basic }];
  for (const args of [{ user: "ada:hunter2" }, { bearer: "hunter2" }, { header }]) {
    assert.equal((await fails(registry, nothing, args, elsewhere)).kind, "http:401");
  }
  for (const { headers } of registry.seen) assert.equal(headers.authorization, undefined);
});

test("bearer and a header Authorization are said at once, and only once where they are wrong", async () => {
  await using registry = await startRegistry('Basic realm="x"', "Bearer good");
  assert.equal(await succeeds(registry, nothing, { bearer: "good" }), "Bearer good");
  const header = [{ name: "Authorization", value: "Bearer good" }];
  assert.equal((await locate(registry, nothing, { header }))[0]!.headers![0]!.value, "Bearer good");
  const asked = registry.seen.length;
  const failure = await fails(registry, nothing, { bearer: "hunter2" });
  assert.deepEqual([failure.code, failure.kind], ["refused", "http:401"]);
  assert.match(failure.hint!, /check bearer/);
  assert.equal(registry.seen.length, asked + 1);
});

test("what is public is to be had with a token that nobody has to log in for", async () => {
  await using tokens = await startTokenServer(() => ({ token: "anyone" }));
  await using registry = await startRegistry(tokens.challenge, "Bearer anyone");
  assert.equal(await succeeds(registry, nothing), "Bearer anyone");
  const [asked] = tokens.seen;
  const url = new URL(asked!.url!, tokens.origin);
  assert.equal(url.searchParams.get("account"), "x");
  assert.equal(url.searchParams.get("service"), "the registry");
  assert.deepEqual(url.searchParams.getAll("scope"), ["repository:team/app:pull", "repository:base:pull"]);
  assert.equal(asked!.headers.authorization, undefined);
});

test("a token is for pulling from the repository where the registry does not say", async () => {
  await using tokens = await startTokenServer(() => ({ access_token: "anyone" }));
  await using registry = await startRegistry(`Bearer realm="${tokens.origin}/"`, "Bearer anyone");
  assert.equal(await succeeds(registry, nothing), "Bearer anyone");
  assert.equal(tokens.seen[0]!.url, "/?scope=repository%3Ateam%2Fapp%3Apull");
});

test("credentials of the Docker configuration go to the token server", async (t) => {
  await using tokens = await startTokenServer(({ headers }) =>
    headers.authorization === basic ? { token: "ada's" } : 401,
  );
  await using registry = await startRegistry(["Negotiate", tokens.challenge], "Bearer ada's");
  const auth = base64("ada:hunter2");
  for (const auths of [
    { [registry.host]: { auth } },
    { [`https://${registry.host}`]: { auth } },
    { [`https://${registry.host}/v2/`]: { auth } },
    { [registry.host]: { auth: base64("ada:hunter2\0\0") } },
    { [registry.host]: { username: "ada", password: "hunter2" } },
    { [`${registry.host}/team`]: { auth }, [registry.host]: { auth: base64("eve:wrong") } },
    { [`${registry.host}/team/app`]: { auth }, [`${registry.host}/team`]: { auth: base64("eve:wrong") } },
    { [registry.host]: { auth }, [`${registry.host}/tea`]: { auth: base64("eve:wrong") } },
    { [`127.*.*.${registry.host.slice(8)}`]: { auth } },
  ]) {
    assert.equal(await succeeds(registry, configured(t, { auths })), "Bearer ada's", JSON.stringify(auths));
  }
  const document = { auths: { [registry.host]: { auth } } };
  assert.equal(await succeeds(registry, configured(t, document, ".dockerconfigjson")), "Bearer ada's");
  const home = temporary(t);
  mkdirSync(join(home, ".docker"));
  writeFileSync(join(home, ".docker/config.json"), JSON.stringify(document));
  assert.equal(await succeeds(registry, { HOME: home }), "Bearer ada's");
});

test("credentials of another host, port or repository are not used", async (t) => {
  await using registry = await startRegistry("Basic realm=x", basic);
  const auth = base64("ada:hunter2");
  const others = ["127.0.0.1", "127.0.0.1:1", `x.${registry.host}`, `${registry.host}/team/application`, "*"];
  const env = configured(t, { auths: Object.fromEntries(others.map((key) => [key, { auth }])) });
  const failure = await fails(registry, env);
  assert.match(failure.hint!, /holds nothing for 127\.0\.0\.1.*imagePullSecrets/);
  for (const { headers } of registry.seen) assert.equal(headers.authorization, undefined);
});

test("the user of the options wins over the Docker configuration", async (t) => {
  await using registry = await startRegistry("Basic realm=x", basic);
  const env = configured(t, { auths: { [registry.host]: { auth: base64("eve:wrong") } } });
  assert.equal(await succeeds(registry, env, { user: "ada:hunter2" }), basic);
});

test("an identity token is exchanged for one of the registry", async (t) => {
  await using tokens = await startTokenServer(({ method }, form) =>
    method === "POST" && form.get("refresh_token") === "hunter2" ? { access_token: "ada's" } : 401,
  );
  await using registry = await startRegistry(tokens.challenge, "Bearer ada's");
  const entry = { auth: base64("<token>:"), identitytoken: "hunter2" };
  assert.equal(
    await succeeds(registry, configured(t, { auths: { [registry.host]: entry } })),
    "Bearer ada's",
  );
  const { service, scope, grant_type: grant } = Object.fromEntries(tokens.forms[0]!);
  assert.equal(grant, "refresh_token");
  assert.equal(service, "the registry");
  assert.equal(scope, "repository:team/app:pull repository:base:pull");
  assert.doesNotMatch(tokens.seen[0]!.url!, /hunter2/);
});

test("an identity token does not follow a redirect", async (t) => {
  await using elsewhere = await startTokenServer(() => ({ token: "theirs" }));
  await using tokens = await startFileServer(
    (_, response) => void response.writeHead(307, { location: elsewhere.origin }).end(),
    certificate,
  );
  await using registry = await startRegistry(`Bearer realm="${tokens.origin}/"`);
  const env = configured(t, { auths: { [registry.host]: { identitytoken: "hunter2" } } });
  assert.equal((await fails(registry, env)).code, "refused");
  assert.equal(elsewhere.seen.length, 0);
});

test("a registry token is said to the registry itself", async (t) => {
  await using registry = await startRegistry('Bearer realm="https://unused.invalid/"', "Bearer hunter2");
  const env = configured(t, { auths: { [registry.host]: { registrytoken: "hunter2" } } });
  assert.equal(await succeeds(registry, env), "Bearer hunter2");
});

test("a token server without TLS gets nothing", async (t) => {
  await using tokens = await startTokenServer(() => ({ token: "theirs" }), false);
  for (const realm of [tokens.origin, "http://auth.example/token", "ftp://auth.example", "/token", ""]) {
    await using registry = await startRegistry(`Bearer realm="${realm}"`);
    const env = configured(t, { auths: { [registry.host]: { auth: base64("ada:hunter2") } } });
    const failure = await fails(registry, env);
    assert.deepEqual([failure.code, failure.kind], ["refused", "token"], realm);
  }
  assert.equal(tokens.seen.length, 0);
});

test("on loopback a registry without TLS may have its token server there too", async () => {
  await using tokens = await startTokenServer(() => ({ token: "anyone" }), false);
  await using registry = await startFakeRegistry();
  registry.put(manifestOf(registry.blob("x")), "latest");
  registry.intercept = challenge(tokens.challenge, () => "Bearer anyone");
  const access = {
    args: { header: [], user: "ada:hunter2", bearer: undefined, "no-redirects": false, stall: 5000 },
    tls: {},
    env: nothing,
    origin: registry.origin,
    signal: new AbortController().signal,
  };
  assert.equal((await locateOci(registry.url(), access)).length, 1);
  assert.equal(tokens.seen[0]!.headers.authorization, basic);
});

test("wrong credentials are refused after one try, and it is said where they came from", async (t) => {
  await using tokens = await startTokenServer(({ url }) =>
    url!.includes("wrong") ? 401 : { token: "useless" },
  );
  const file = (registry: FakeRegistry) =>
    configured(t, { auths: { [registry.host]: { auth: base64("ada:hunter2") } } });
  for (const challenges of [
    "Basic realm=x",
    tokens.challenge,
    `Bearer realm="${tokens.origin}/wrong"`,
    `Bearer realm="${tokens.origin}/",service=wrong`,
  ]) {
    await using registry = await startRegistry(challenges);
    const failure = await fails(registry, file(registry));
    assert.deepEqual([failure.code, failure.kind], ["refused", "http:401"]);
    assert.match(failure.hint!, /config\.json" were used/);
    assert.ok(registry.seen.length <= 2);
    const byOption = await fails(registry, nothing, { user: "ada:hunter2" });
    assert.match(byOption.hint!, /check user/);
    const unknown = await fails(registry, nothing);
    assert.match(unknown.hint!, /"\/nowhere" holds no config\.json: .*imagePullSecrets.*DOCKER_CONFIG/);
  }
});

test("a registry that forbids is not asked again", async () => {
  await using registry = await startFakeRegistry(certificate);
  registry.intercept = (_, response) => {
    response.writeHead(403).end('{"errors":[{"code":"DENIED"}]}');
    return true;
  };
  const failure = await fails(registry, nothing);
  assert.deepEqual([failure.code, failure.kind], ["refused", "http:403"]);
  assert.match(failure.message, /team\/app \(403\) \(DENIED\)/);
  assert.match(failure.hint!, /imagePullSecrets/);
  assert.equal(registry.seen.length, 1);
});

test("a challenge that nobody here can answer is a refusal", async () => {
  for (const challenges of ["Negotiate", "", 'Digest realm="x"']) {
    await using registry = await startRegistry(challenges);
    const failure = await fails(registry, nothing, { user: "ada:hunter2" });
    assert.deepEqual([failure.code, failure.kind], ["refused", "http:401"]);
  }
});

test("a token server that is busy or failing may be asked again, when it says", async () => {
  for (const status of [429, 500]) {
    await using tokens = await startTokenServer(() => status);
    await using registry = await startRegistry(tokens.challenge);
    const { code, kind, retryAfter } = await fails(registry, nothing);
    assert.deepEqual([code, kind, retryAfter], ["source-unavailable", `http:${status}`, 9000]);
  }
});

test("an answer without a usable token is a refusal", async () => {
  for (const answer of [{}, { token: 5 }, { token: "a\nb" }, { token: "" }]) {
    await using tokens = await startTokenServer(() => answer);
    await using registry = await startRegistry(tokens.challenge);
    const { code, kind } = await fails(registry, nothing);
    assert.deepEqual([code, kind], ["refused", "token"]);
  }
});

test("a helper program that is not here matters only where the registry wants credentials", async (t) => {
  await using tokens = await startTokenServer(() => ({ token: "anyone" }));
  await using open = await startRegistry(tokens.challenge, "Bearer anyone");
  const store = configured(t, { auths: { [open.host]: {} }, credsStore: "desktop" });
  assert.equal(await succeeds(open, store), "Bearer anyone");
  await using closed = await startRegistry("Basic realm=x");
  const helpers = configured(t, { credsStore: "desktop", credHelpers: { [closed.host]: "ecr-login" } });
  const failure = await fails(closed, helpers);
  assert.equal(failure.code, "refused");
  assert.match(failure.hint!, /the program "docker-credential-ecr-login", which is not here/);
  assert.match((await fails(closed, store)).hint!, /docker-credential-desktop/);
});

test("a Docker configuration that cannot be used is a mistake of the configuration, told without its secrets", async (t) => {
  await using registry = await startRegistry("Basic realm=x", basic);
  const broken = [
    '{"auths": {"x": {"auth": hunter2}}}',
    { auths: { [registry.host]: { auth: base64("hunter2") } } },
    Buffer.from([0xff, 0xfe]).toString("latin1") + '{"hunter2',
  ];
  for (const document of broken) {
    const failure = await fails(registry, configured(t, document));
    assert.deepEqual([failure.code, failure.kind], ["configuration", "docker-config"]);
    assert.equal(failure.options.cause, undefined, "a parser quotes what it cannot read");
  }
  for (const document of [[], null, 5, { auths: [] }, { auths: { [registry.host]: "hunter2" } }]) {
    assert.equal((await fails(registry, configured(t, JSON.stringify(document)))).kind, "http:401");
  }
});

test("a Docker configuration that cannot be read is told with its path", async (t) => {
  await using registry = await startRegistry("Basic realm=x", basic);
  const folder = temporary(t);
  mkdirSync(join(folder, "config.json"));
  const failure = await fails(registry, { DOCKER_CONFIG: folder });
  assert.deepEqual([failure.code, failure.kind], ["configuration", "docker-config"]);
  assert.match(failure.message, /config\.json", which is not a regular file/);
});

test("a registry whose certificate does not verify is told nothing", async () => {
  await using registry = await startFakeRegistry(issue({ names: ["127.0.0.1"] }));
  const failure = await fails(registry, nothing, { bearer: "hunter2" });
  assert.deepEqual([failure.code, failure.kind], ["refused", "tls:certificate"]);
  assert.equal(registry.seen.length, 0);
});
