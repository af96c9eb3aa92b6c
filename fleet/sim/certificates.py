"""One authority, one key, and a certificate for every address, made when its first connection comes."""

from __future__ import annotations

import datetime
import ipaddress
import os
import ssl
import threading
import warnings
from collections import OrderedDict
from functools import cached_property
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from fleet.frozen import frozen

KEPT_CONTEXTS = 4096  # about 20 KB each; the least recently used are made again when needed

_Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@frozen
class Recipe:
    """What the certificate and the TLS of a host are like. The default is a host without a fault.

    `starts` and `ends` are days from today. `wrong_name` certifies another address than the host's.
    """

    issuer: Literal["authority", "stranger", "self"] = "authority"
    starts: int = -30
    ends: int = 3650
    wrong_name: bool = False
    key: Literal["ec", "rsa"] = "ec"
    ciphers: str | None = None
    minimum: ssl.TLSVersion | None = None
    maximum: ssl.TLSVersion | None = None
    client_certificate: bool = False


class _Issuer:
    """A key and the name it signs with."""

    def __init__(self, name: str, today: datetime.datetime) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = _name(name)
        usage = x509.KeyUsage(
            digital_signature=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        self.identifier = x509.SubjectKeyIdentifier.from_public_key(self.key.public_key())
        self.certificate = (
            _builder(self.name, self.name, self.key, today, Recipe())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(self.identifier, critical=False)
            .sign(self.key, hashes.SHA256())
        )

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)


class Authority:
    """Makes TLS contexts. Its methods block for about a millisecond, so the loop calls them in a thread."""

    def __init__(self) -> None:
        self._today = datetime.datetime.now(datetime.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        self._trusted = _Issuer("Simulated fleet CA", self._today)
        self._contexts: OrderedDict[tuple[str, Recipe], ssl.SSLContext] = OrderedDict()
        self._lock = threading.Lock()
        self.ca_pem: bytes = self._trusted.pem

    @cached_property
    def _stranger(self) -> _Issuer:
        return _Issuer("Unknown CA", self._today)

    @cached_property
    def _leaf_key(self) -> ec.EllipticCurvePrivateKey:
        return ec.generate_private_key(ec.SECP256R1())

    @cached_property
    def _rsa_key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def kept(self, address: str, recipe: Recipe) -> ssl.SSLContext | None:
        """The context of an address when it is made already: never blocks."""
        return self._contexts.get((address, recipe))

    def context(self, address: str, recipe: Recipe) -> ssl.SSLContext:
        """The context that a host at `address` answers with."""
        with self._lock:
            known = self._contexts.get((address, recipe))
            if known is not None:
                self._contexts.move_to_end((address, recipe))
                return known
            made = self._make(address, recipe)
            self._contexts[address, recipe] = made
            while len(self._contexts) > KEPT_CONTEXTS:
                self._contexts.popitem(last=False)
            return made

    def _make(self, address: str, recipe: Recipe) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.num_tickets = 0  # nobody resumes a session with a fleet
        if recipe.ciphers is not None:
            context.set_ciphers(recipe.ciphers)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # old versions are what is simulated
            if recipe.minimum is not None:
                context.minimum_version = recipe.minimum
            if recipe.maximum is not None:
                context.maximum_version = recipe.maximum
        if recipe.client_certificate:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(cadata=self.ca_pem.decode())
        _load_chain(context, self._leaf(address, recipe))
        return context

    def _leaf(self, address: str, recipe: Recipe) -> bytes:
        """The private key and the certificate, as PEM."""
        key: _Key = self._rsa_key if recipe.key == "rsa" else self._leaf_key
        named = "192.0.2.1" if recipe.wrong_name else address
        subject = _name(named)
        if recipe.issuer == "self":
            issuer_name, signer = subject, key
        else:
            issuer = self._trusted if recipe.issuer == "authority" else self._stranger
            issuer_name, signer = issuer.name, issuer.key
        alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(named))])
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        certificate = (
            _builder(subject, issuer_name, key, self._today, recipe)
            .add_extension(alternative, critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(authority, critical=False)
            .sign(signer, hashes.SHA256())
        )
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return private + certificate.public_bytes(serialization.Encoding.PEM)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: _Key, today: datetime.datetime, recipe: Recipe
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today + datetime.timedelta(days=recipe.starts))
        .not_valid_after(today + datetime.timedelta(days=recipe.ends))
    )


def _load_chain(context: ssl.SSLContext, pem: bytes) -> None:
    """Loads a key and certificate that exist in memory only: `ssl` reads nothing but files."""
    descriptor = os.memfd_create("certificate", os.MFD_CLOEXEC)
    try:
        os.pwrite(descriptor, pem, 0)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
