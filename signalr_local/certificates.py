"""Certificates for HTTPS on one's own machine."""

import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

__all__ = ["server_context"]

_VALID = timedelta(days=30)


def server_context(path: Path | None, password: str | None = None) -> ssl.SSLContext:
    """Return what a server needs to speak TLS: the certificate of a PFX or PEM file, or a new one.

    The new one is for localhost and signed by itself, so that browsers ask before they accept it. Raise
    ValueError for a file that cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        if path is None:
            _load(context, _self_signed())
        elif path.suffix.lower() in (".pfx", ".p12"):
            _load(context, _of_pfx(path, password))
        else:
            context.load_cert_chain(path, password=password or "")
    except (OSError, ValueError) as error:
        raise ValueError(
            f"the certificate {path} cannot be used: {error}. Expected a PFX or PEM file with its key, "
            "and the "
            "right --password"
        ) from None
    return context


def _load(context: ssl.SSLContext, pem: bytes) -> None:
    # ssl reads files only; this one is the user's alone and gone at once.
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "server.pem")
        file.touch(mode=0o600)
        file.write_bytes(pem)
        context.load_cert_chain(file)


def _of_pfx(path: Path, password: str | None) -> bytes:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.serialization import pkcs12

    key, certificate, others = pkcs12.load_key_and_certificates(
        path.read_bytes(), password.encode() if password else None
    )
    if key is None or certificate is None:
        raise ValueError("it has no key")
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    chain = [certificate, *others]
    return text + b"".join(one.public_bytes(serialization.Encoding.PEM) for one in chain)


def _self_signed() -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    names = [
        x509.DNSName("localhost"),
        x509.IPAddress(ip_address("127.0.0.1")),
        x509.IPAddress(ip_address("::1")),
    ]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + _VALID)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return text + certificate.public_bytes(serialization.Encoding.PEM)
