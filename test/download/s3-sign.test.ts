import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { emptyHash, type Scope, signed } from "../../src/download/s3/sign.ts";
import type { Pair } from "../../src/kinds.ts";

const origin = "test";

/** Of AWS's own test suite for Signature Version 4 (awslabs/aws-c-auth, tests/aws-signing-test-suite/v4). */
const suiteKeys = {
  accessKeyId: "AKIDEXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
  origin,
};
const suiteScope: Scope = { region: "us-east-1", service: "service", at: new Date("2015-08-30T12:36:00Z") };
const unreserved = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const cases: readonly {
  name: string;
  target: string;
  headers?: readonly Pair[];
  token?: string;
  signature: string;
}[] = [
  {
    name: "get-vanilla",
    target: "/",
    signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
  },
  {
    name: "get-vanilla-with-session-token",
    target: "/",
    token: "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267",
    signature: "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8",
  },
  {
    name: "get-vanilla-query-order-key-case",
    target: "/?Param2=value2&Param1=value1",
    signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
  },
  {
    name: "get-vanilla-query-order-encoded",
    target: "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
    signature: "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
  },
  {
    name: "get-vanilla-query-unreserved",
    target: `/?${unreserved}=${unreserved}`,
    signature: "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
  },
  {
    name: "get-vanilla-utf8-query",
    target: "/?\u1234=bar",
    signature: "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
  },
  {
    name: "get-unreserved",
    target: `/${unreserved}`,
    signature: "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
  },
  {
    name: "get-utf8",
    target: "/\u1234",
    signature: "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
  },
  {
    name: "get-space-unnormalized",
    target: "/example space/",
    signature: "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741",
  },
  {
    name: "get-slashes-unnormalized",
    target: "//example//",
    signature: "87cca117541a147f6df867677d98a7d80dff226d2bfca9e4ffa899665623c7e5",
  },
  {
    name: "get-header-value-trim",
    target: "/",
    headers: [
      { name: "My-Header1", value: " value1" },
      { name: "My-Header2", value: ' "a   b   c"' },
    ],
    signature: "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
  },
];

suite("AWS's test suite of Signature Version 4", () => {
  for (const { name, target, headers = [], token, signature } of cases) {
    test(name, () => {
      const url = new URL(`https://example.amazonaws.com${target}`);
      const headersOut = signed({ url, headers }, suiteScope, { ...suiteKeys, sessionToken: token });
      assert.equal(signatureIn(headersOut), signature);
      assert.equal(valueOf(headersOut, "x-amz-security-token"), token);
    });
  }
});

/** S3 API Reference, "Signature Calculations for the Authorization Header", its examples. */
suite("S3's examples of signatures", () => {
  const keys = {
    accessKeyId: "AKIAIOSFODNN7EXAMPLE",
    secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    origin,
  };
  const scope: Scope = { region: "us-east-1", service: "s3", at: new Date("2013-05-24T00:00:00Z") };
  const digest = { name: "x-amz-content-sha256", value: emptyHash };
  const bucket = "https://examplebucket.s3.amazonaws.com";

  test("GET Object", () => {
    const headers = [digest, { name: "Range", value: "bytes=0-9" }];
    assert.deepEqual(
      valueOf(signed({ url: new URL(`${bucket}/test.txt`), headers }, scope, keys), "authorization"),
      [
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request",
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date",
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
      ].join(", "),
    );
  });

  test("GET Bucket Lifecycle", () => {
    const url = new URL(`${bucket}/?lifecycle`);
    assert.equal(
      signatureIn(signed({ url, headers: [digest] }, scope, keys)),
      "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
    );
  });

  test("GET Bucket (List Objects)", () => {
    const url = new URL(`${bucket}/?max-keys=2&prefix=J`);
    assert.equal(
      signatureIn(signed({ url, headers: [digest] }, scope, keys)),
      "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    );
  });
});

const valueOf = (headers: readonly Pair[], wanted: string): string | undefined =>
  headers.find(({ name }) => name === wanted)?.value;

const signatureIn = (headers: readonly Pair[]): string | undefined =>
  /Signature=([0-9a-f]+)$/.exec(valueOf(headers, "authorization") ?? "")?.[1];
