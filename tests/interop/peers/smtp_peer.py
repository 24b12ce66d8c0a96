"""Two mail servers on free ports of the loopback address: TLS from the first byte, and STARTTLS. Both want a password.

The first line that is printed has the ports and the certificate to trust; each further one a mail that was taken. Ends
with its standard input.
"""

import asyncio
import datetime
import email
import email.policy
import ipaddress
import json
import logging
import ssl
import sys
import tempfile
import warnings

from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

USER, PASSWORD = b"app", "correct horse, вороной".encode()


def certificate():
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - day).not_valid_after(now + day)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
    signed = builder.sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    form, closed = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return signed.public_bytes(pem), key.private_bytes(pem, form, closed)


class Handler:
    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        told = {
            "authenticated": session.authenticated,
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "headers": {name: str(value) for name, value in mail.items()},
            "sender": [mail["From"].addresses[0].display_name, mail["From"].addresses[0].addr_spec],
            "text": mail.get_content(),
            "defects": [str(defect) for defect in mail.defects],
        }
        print(json.dumps(told), flush=True)
        return "250 taken"


def check(server, session, envelope, mechanism, data):
    # Refused is what is not handled: it then answers.
    return AuthResult(success=(data.login, data.password) == (USER, PASSWORD), handled=False)


async def serve():
    public, private = certificate()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    with tempfile.NamedTemporaryFile() as file:
        file.write(public + private)
        file.flush()
        context.load_cert_chain(file.name)
    common = {"hostname": "relay.example", "authenticator": check, "auth_required": True}
    loop = asyncio.get_running_loop()

    async def listen(tls, **own):
        server = await loop.create_server(lambda: SMTP(Handler(), **common, **own), "127.0.0.1", 0, ssl=tls)
        return server.sockets[0].getsockname()[1]

    # To the one, TLS is what it does not see.
    smtps = await listen(context, auth_require_tls=False)
    smtp = await listen(None, tls_context=context, require_starttls=True)
    print(json.dumps({"smtps": smtps, "smtp": smtp, "pem": public.decode()}), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


# That a password may go without TLS that it sees, which is so of the one.
warnings.simplefilter("ignore")
logging.disable()
asyncio.run(serve())
