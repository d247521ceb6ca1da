"""The playground's certificate authority: made at first start, it signs the certificate of the https issuer."""

import ipaddress
import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_YEARS = 10
SERVER_DAYS = 30  # a new one is made at each start


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


class CertificateAuthority:
    """
    An authority whose certificate and key lie in *folder* as ca.pem and ca-key.pem.

    Hand `ca_file` to whoever is to trust the playground's https.
    """

    def __init__(self, folder: Path) -> None:
        self.ca_file = folder / "ca.pem"
        self._key_file = folder / "ca-key.pem"
        if not (self.ca_file.is_file() and self._key_file.is_file()):
            folder.mkdir(parents=True, exist_ok=True)
            self._make()
        self._certificate = x509.load_pem_x509_certificate(self.ca_file.read_bytes())
        key = serialization.load_pem_private_key(self._key_file.read_bytes(), password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        self._key = key

    def server_context(self) -> ssl.SSLContext:
        """Return what a server at 127.0.0.1, ::1 or localhost needs: a new key, certified by us."""
        key = ec.generate_private_key(ec.SECP256R1())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.NamedTemporaryFile(suffix=".pem") as both:  # ssl reads files only
            both.write(_pem(key))
            both.write(self._certify(key).public_bytes(serialization.Encoding.PEM))
            both.flush()
            context.load_cert_chain(both.name)
        return context

    def _make(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = _named("Approvals playground CA")
        signed = (
            _certificate(name, name, key.public_key(), days=365 * CA_YEARS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()),
                critical=False,
            )
            .sign(key, hashes.SHA256())
        )
        self._key_file.touch(mode=0o600)
        self._key_file.write_bytes(_pem(key))
        self.ca_file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))

    def _certify(self, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
        hosts = [
            x509.DNSName("localhost"),
            x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
            x509.IPAddress(ipaddress.ip_address("::1")),
        ]
        issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        return (
            _certificate(
                _named("localhost"),
                self._certificate.subject,
                key.public_key(),
                days=SERVER_DAYS,
            )
            .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(purpose, critical=False)
            .add_extension(issuer_key, critical=False)
            .sign(self._key, hashes.SHA256())
        )


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, *, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))  # clocks of virtual machines jump
        .not_valid_after(now + timedelta(days=days))
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    """Python 3.13 checks strictly (VERIFY_X509_STRICT): an authority without key usage is refused."""
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
