"""What joserfc makes of keys and tokens: JSON lines in, JSON lines out. Driven by `tests/interop.rs`."""

import json
import sys

from joserfc import jws, jwt
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey, import_key

CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
SECRETS = {"HS256": 256, "HS384": 384, "HS512": 512}


def generate(alg):
    if alg in SECRETS:
        return OctKey.generate_key(SECRETS[alg], private=True)
    if alg in CURVES:
        return ECKey.generate_key(CURVES[alg], private=True)
    if alg in ("EdDSA", "Ed25519"):
        return OKPKey.generate_key("Ed25519", private=True)
    return RSAKey.generate_key(2048, private=True)


def answer(request):
    op, alg = request["op"], request.get("alg")
    if op == "generate":
        key = generate(alg)
        answer = {"private": {**key.as_dict(private=True), "alg": alg}}
        if alg not in SECRETS:
            answer["public"] = {**key.as_dict(private=False), "alg": alg}
            answer["private_pem"] = key.as_pem(private=True).decode()
            answer["public_pem"] = key.as_pem(private=False).decode()
        return answer
    if op == "thumbprint":
        return {"thumbprint": import_key(request["jwk"]).thumbprint()}

    if op == "verify-set":
        keys = KeySet.import_key_set(request["jwks"])
        return {"claims": jwt.decode(request["token"], keys, algorithms=[alg]).claims}

    if "pem" in request:
        key = import_key(request["pem"], "RSA" if alg[:2] in ("RS", "PS") else "EC" if alg[0:2] == "ES" else "OKP")
    else:
        key = import_key(request["jwk"])
    if op == "sign":
        header = {"alg": alg, **request.get("header", {})}
        return {"token": jwt.encode(header, request["claims"], key, algorithms=[alg])}
    if op == "verify":
        return {"claims": jwt.decode(request["token"], key, algorithms=[alg]).claims}
    if op == "verify-json":
        return {"payload": jws.deserialize_json(request["jws"], key, algorithms=[alg]).payload.decode()}
    if op == "sign-json":
        made = jws.serialize_json({"protected": {"alg": alg}}, request["payload"], key, algorithms=[alg])
        return {"jws": made}
    raise ValueError(op)


for line in sys.stdin:
    try:
        reply = answer(json.loads(line))
    except Exception as error:  # whatever it is, the test wants to hear of it
        reply = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(reply), flush=True)
