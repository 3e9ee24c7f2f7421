"""The box's own certificate authority, as a program: `python -m appliance.box.authority make|look FOLDER …`.

`make FOLDER WALL NAME…` writes an authority (10 years) where there is none that holds, and a certificate of the box
for the names (397 days, the longest that every browser takes). `look FILE` tells what a certificate says. Both answer
with JSON.
Keys are on the curve P-256: its handshake costs a tenth of RSA's on a small machine.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from appliance.box.certificate import Folder, Issued, authority_holds, is_address
from appliance.store.safe import write_file

AUTHORITY_DAYS, BOX_DAYS = 3652, 397
_EARLIER = timedelta(days=1)
"""Certificates begin a little in the past: clocks of computers in the house differ."""
_END = datetime(9999, 1, 1, tzinfo=UTC)


def main(arguments: list[str]) -> int:
    """Runs the command and prints its answer; 1 with a sentence on standard error when it cannot."""
    try:
        if arguments[0] == "look":
            answer = look(Path(arguments[1]))
        else:
            answer = make(Folder(Path(arguments[1])), float(arguments[2]), tuple(arguments[3:]))
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    sys.stdout.buffer.write(msgspec.json.encode(answer))
    return 0


def make(folder: Folder, wall: float, names: tuple[str, ...]) -> Issued:
    """A new certificate of the box, by the authority there is, or by a new one. Raises OSError, ValueError."""
    os.umask(0o077)
    folder.path.mkdir(mode=0o700, exist_ok=True)
    now = datetime.fromtimestamp(wall, UTC)
    before = folder.issued()
    if before is None or not authority_holds(before, wall):
        authority, key = _new_authority(folder, now)
    else:
        authority, key = _authority(folder)
    own = ec.generate_private_key(ec.SECP256R1())
    certificate = _certificate(own, names, now, authority, key)
    write_file(folder.box_key, _private(own), 0o600)
    write_file(folder.box, _public(certificate), 0o644)
    issued = _described(certificate, authority)
    # Last: what the notes describe is there in whole.
    write_file(folder.notes, msgspec.json.encode(issued), 0o644)
    return issued


def look(file: Path) -> Issued:
    """What a certificate file's first certificate says. Raises OSError, ValueError."""
    return _described(x509.load_pem_x509_certificate(file.read_bytes()), None)


def _authority(folder: Folder) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = serialization.load_pem_private_key(folder.authority_key.read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{folder.authority_key.name} is not a key of this box's authority")
    return x509.load_pem_x509_certificate(folder.authority.read_bytes()), key


def _new_authority(folder: Folder, now: datetime) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    # Two boxes, or one set up twice, must be told apart in a browser's list.
    name = f"Hako {socket.gethostname()[:40]} {os.urandom(3).hex()}"
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(min(now + timedelta(days=AUTHORITY_DAYS), _END))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    write_file(folder.authority_key, _private(key), 0o600)
    write_file(folder.authority, _public(certificate), 0o644)
    return certificate, key


def _certificate(
    own: ec.EllipticCurvePrivateKey,
    names: tuple[str, ...],
    now: datetime,
    authority: x509.Certificate,
    key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    alternatives = [
        x509.IPAddress(ipaddress.ip_address(name)) if is_address(name) else x509.DNSName(name) for name in names
    ]
    ends = min(now + timedelta(days=BOX_DAYS) - _EARLIER, authority.not_valid_after_utc)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])]))
        .issuer_name(authority.subject)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _usage(signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _described(certificate: x509.Certificate, authority: x509.Certificate | None) -> Issued:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        found = None
    names = [] if found is None else [*found.get_values_for_type(x509.DNSName)]
    names += [] if found is None else [str(one) for one in found.get_values_for_type(x509.IPAddress)]
    return Issued(
        names=tuple(names),
        begins=certificate.not_valid_before_utc.timestamp(),
        ends=certificate.not_valid_after_utc.timestamp(),
        authority_begins=authority.not_valid_before_utc.timestamp() if authority else 0.0,
        authority_ends=authority.not_valid_after_utc.timestamp() if authority else 0.0,
        authority=authority.fingerprint(hashes.SHA256()).hex() if authority else "",
    )


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def _public(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
