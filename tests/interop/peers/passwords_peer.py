"""What others make of passwords: JSON lines in, JSON lines out. Driven by `tests/passwords.rs`."""

import base64
import hashlib
import json
import sys

import argon2
import bcrypt
from django.conf import settings
from django.contrib.auth import hashers

NAMES = ("PBKDF2", "PBKDF2SHA1", "Argon2", "BCryptSHA256", "BCrypt", "Scrypt")
settings.configure(PASSWORD_HASHERS=[f"django.contrib.auth.hashers.{name}PasswordHasher" for name in NAMES])


class CheapBCryptSHA256(hashers.BCryptSHA256PasswordHasher):
    rounds = 4


class CheapBCrypt(hashers.BCryptPasswordHasher):
    rounds = 4


class CheapArgon2(hashers.Argon2PasswordHasher):
    time_cost, memory_cost, parallelism = 2, 128, 4


def phc(name, params, salt, tag):
    salt, tag = (base64.b64encode(part).decode().rstrip("=") for part in (salt, tag))
    return f"${name}${params}${salt}${tag}"


def encode(scheme, password):
    data, salt = password.encode(), b"0123456789abcdef"
    if scheme == "argon2-cffi":
        return argon2.PasswordHasher(time_cost=3, memory_cost=96, parallelism=3, hash_len=24).hash(password)
    if scheme.startswith("bcrypt-2"):
        return bcrypt.hashpw(data, bcrypt.gensalt(4, prefix=scheme[-2:].encode())).decode()
    if scheme == "scrypt":
        return phc("scrypt", "ln=6,r=4,p=3", salt, hashlib.scrypt(data, salt=salt, n=64, r=4, p=3, dklen=32))
    if scheme.startswith("pbkdf2-"):
        tag = hashlib.pbkdf2_hmac(scheme[7:], data, salt, 77)
        return phc(scheme, f"i=77,l={len(tag)}", salt, tag)
    return {
        "django-argon2": lambda: CheapArgon2().encode(password, CheapArgon2().salt()),
        "django-bcrypt": lambda: CheapBCrypt().encode(password, CheapBCrypt().salt()),
        "django-bcrypt-sha256": lambda: CheapBCryptSHA256().encode(password, CheapBCryptSHA256().salt()),
        "django-pbkdf2-sha256": lambda: hashers.PBKDF2PasswordHasher().encode(password, "NaCl", iterations=99),
        "django-pbkdf2-sha1": lambda: hashers.PBKDF2SHA1PasswordHasher().encode(password, "NaCl", iterations=99),
        "django-scrypt": lambda: hashers.ScryptPasswordHasher().encode(password, "NaCl", n=32, r=2, p=2),
    }[scheme]()


def verify(scheme, password, stored):
    if scheme == "argon2-cffi":
        try:
            return argon2.PasswordHasher().verify(stored, password)
        except argon2.exceptions.VerifyMismatchError:
            return False
    return hashers.check_password(password, "argon2" + stored)


for line in sys.stdin:
    request = json.loads(line)
    try:
        if request["op"] == "hash":
            reply = {"hash": encode(request["scheme"], request["password"])}
        else:
            reply = {"right": verify(request["scheme"], request["password"], request["hash"])}
    except Exception as error:  # whatever it is, the test wants to hear of it
        reply = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(reply), flush=True)
