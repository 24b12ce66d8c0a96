// What the npm package `jose` makes of keys and tokens: JSON lines in, JSON lines out. Driven by `tests/interop.rs`.

import { createInterface } from "node:readline";
import * as jose from "jose";

const SECRETS = { HS256: 32, HS384: 48, HS512: 64 };

async function generate(alg) {
  if (alg in SECRETS) {
    const k = jose.base64url.encode(crypto.getRandomValues(new Uint8Array(SECRETS[alg])));
    return { private: { kty: "oct", k, alg } };
  }
  const pair = await jose.generateKeyPair(alg, { extractable: true });
  return {
    private: { ...(await jose.exportJWK(pair.privateKey)), alg },
    public: { ...(await jose.exportJWK(pair.publicKey)), alg },
    private_pem: await jose.exportPKCS8(pair.privateKey),
    public_pem: await jose.exportSPKI(pair.publicKey),
  };
}

async function answer({ op, alg, jwk, pem, header = {}, claims, token, payload, jws, jwks }) {
  if (op === "generate") return generate(alg);
  if (op === "thumbprint") return { thumbprint: await jose.calculateJwkThumbprint(jwk) };

  if (op === "verify-set") {
    const keys = jose.createLocalJWKSet(jwks);
    return { claims: (await jose.jwtVerify(token, keys, { algorithms: [alg] })).payload };
  }

  const key = pem
    ? await (op.startsWith("sign") ? jose.importPKCS8(pem, alg) : jose.importSPKI(pem, alg))
    : await jose.importJWK(jwk, alg);
  const bytes = (text) => new TextEncoder().encode(text);
  switch (op) {
    case "sign":
      return { token: await new jose.SignJWT(claims).setProtectedHeader({ alg, ...header }).sign(key) };
    case "verify":
      return { claims: (await jose.jwtVerify(token, key, { algorithms: [alg] })).payload };
    case "sign-json":
      return { jws: await new jose.FlattenedSign(bytes(payload)).setProtectedHeader({ alg }).sign(key) };
    case "verify-json": {
      const verify = jws.signatures ? jose.generalVerify : jose.flattenedVerify;
      return { payload: new TextDecoder().decode((await verify(jws, key, { algorithms: [alg] })).payload) };
    }
    default:
      throw new Error(op);
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  let reply;
  try {
    reply = await answer(JSON.parse(line));
  } catch (error) {
    reply = { error: `${error.name}: ${error.message}` };
  }
  console.log(JSON.stringify(reply));
}
