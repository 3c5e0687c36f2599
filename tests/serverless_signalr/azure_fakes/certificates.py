"""A certificate authority made for one test run, and what it certifies: Azure's own host names."""

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

HOSTS = (
    "*.vault.azure.net",
    "*.vault.usgovcloudapi.net",
    "*.service.signalr.net",
    "*.azurewebsites.net",
    "login.microsoftonline.com",
)


@dataclass(frozen=True)
class Certificates:
    """Hold what a server shows and what a client believes."""

    server: ssl.SSLContext
    client: ssl.SSLContext
    application: Path
    """A certificate with its key, as an application of Entra ID has one."""

    @classmethod
    def make(cls, folder: Path) -> Self:
        authority_key, authority = _certificate("The tests' authority")
        key, certificate = _certificate(HOSTS[0], (authority_key, authority))
        files = {"authority": _pem(authority), "server": _pem(certificate) + _pem_key(key)}
        for name, content in files.items():
            (folder / f"{name}.pem").write_bytes(content)
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(folder / "server.pem")
        client = ssl.create_default_context(cafile=str(folder / "authority.pem"))
        # azure-identity signs with RSA only.
        application_key, application = _certificate("The app", key=rsa.generate_private_key(65537, 2048))
        path = folder / "application.pem"
        path.write_bytes(_pem(application) + _pem_key(application_key))
        return cls(server, client, path)


type _Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
type _Signed = tuple[_Key, x509.Certificate]


def _certificate(name: str, issuer: _Signed | None = None, key: _Key | None = None) -> _Signed:
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[1].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if issuer is not None:
        names = [x509.DNSName(host) for host in HOSTS]
        builder = builder.add_extension(
            x509.SubjectAlternativeName([*names, x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        ).add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer[0].public_key()), critical=False
        )
    else:
        builder = builder.add_extension(
            x509.KeyUsage(
                digital_signature=True,
                key_cert_sign=True,
                crl_sign=True,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
    return key, builder.sign(issuer[0] if issuer else key, hashes.SHA256())


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _pem_key(key: _Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
