"""SRTP and SRTCP once more, from the RFCs (3711, 7714), as the other side of what the engine does through libsrtp."""

from __future__ import annotations

import hmac
import struct
from hashlib import sha1

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from appliance.exchange.audio import SrtpKeys

CM_80, CM_32, GCM = "AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32", "AEAD_AES_128_GCM"
SUITES = (CM_80, CM_32, GCM)
_TAGS = {CM_80: 10, CM_32: 4}


def keys(suite: str, number: int = 1) -> SrtpKeys:
    """Keys of a test, another pair for each number."""
    return SrtpKeys(suite, bytes((number * 37 + at * 11) % 256 for at in range(28 if suite == GCM else 30)))


def counter_mode(key: bytes, start: bytes, data: bytes) -> bytes:
    """AES in counter mode from a block of 16 bytes (RFC 3711 section 4.1.1)."""
    return Cipher(algorithms.AES(key), modes.CTR(start)).encryptor().update(data)


def derive(master: bytes, salt: bytes, label: int, length: int) -> bytes:
    """A session key (RFC 3711 section 4.3.1), key derivation rate 0."""
    start = int.from_bytes(salt.ljust(14, b"\0")) ^ (label << 48)
    return counter_mode(master, start.to_bytes(14) + bytes(2), bytes(length))


class Srtp:
    """One direction: `protect` and `unprotect` of packets whose index the caller knows."""

    def __init__(self, keys: SrtpKeys) -> None:
        self.suite = keys.suite
        master, salt = keys.key[:16], keys.key[16:]
        size = 12 if self.suite == GCM else 14
        self.key, self.auth, self.salt = (derive(master, salt, label, n) for label, n in ((0, 16), (1, 20), (2, size)))
        self.rtcp_key, self.rtcp_auth, self.rtcp_salt = (
            derive(master, salt, label, n) for label, n in ((3, 16), (4, 20), (5, size))
        )
        self.rtcp_index = 0

    # --- RTP
    def protect(self, packet: bytes, counter: int = 0) -> bytes:
        """`counter` is the roll-over counter."""
        header, payload, ssrc = packet[:12], packet[12:], packet[8:12]
        index = counter << 16 | int.from_bytes(packet[2:4])
        if self.suite == GCM:
            return header + AESGCM(self.key).encrypt(self._nonce(self.salt, ssrc, index), payload, header)
        sent = header + counter_mode(self.key, self._start(self.salt, ssrc, index), payload)
        return sent + self._tag(self.auth, sent + struct.pack("!I", counter), _TAGS[self.suite])

    def unprotect(self, packet: bytes, counter: int = 0) -> bytes:
        """Raises ValueError when the packet was not made with this key and counter."""
        ssrc, index = packet[8:12], counter << 16 | int.from_bytes(packet[2:4])
        if self.suite == GCM:
            try:
                opened = AESGCM(self.key).decrypt(self._nonce(self.salt, ssrc, index), packet[12:], packet[:12])
            except InvalidTag:
                raise ValueError("not authentic") from None
            return packet[:12] + opened
        size = _TAGS[self.suite]
        sent, tag = packet[:-size], packet[-size:]
        if self._tag(self.auth, sent + struct.pack("!I", counter), size) != tag:
            raise ValueError("not authentic")
        return sent[:12] + counter_mode(self.key, self._start(self.salt, ssrc, index), sent[12:])

    # --- RTCP
    def protect_report(self, packet: bytes) -> bytes:
        self.rtcp_index += 1
        index, ssrc = self.rtcp_index, packet[4:8]
        word = struct.pack("!I", 0x80000000 | index)
        if self.suite == GCM:
            nonce = self._nonce(self.rtcp_salt, ssrc, index)
            return packet[:8] + AESGCM(self.rtcp_key).encrypt(nonce, packet[8:], packet[:8] + word) + word
        sent = packet[:8] + counter_mode(self.rtcp_key, self._start(self.rtcp_salt, ssrc, index), packet[8:]) + word
        return sent + self._tag(self.rtcp_auth, sent, 10)

    def unprotect_report(self, packet: bytes) -> bytes:
        ssrc = packet[4:8]
        if self.suite == GCM:
            body, word = packet[:-4], packet[-4:]
            nonce = self._nonce(self.rtcp_salt, ssrc, int.from_bytes(word) & 0x7FFFFFFF)
            return body[:8] + AESGCM(self.rtcp_key).decrypt(nonce, body[8:], body[:8] + word)
        sent, tag = packet[:-10], packet[-10:]
        assert self._tag(self.rtcp_auth, sent, 10) == tag, "SRTCP is not authentic"
        index = int.from_bytes(sent[-4:]) & 0x7FFFFFFF
        return sent[:8] + counter_mode(self.rtcp_key, self._start(self.rtcp_salt, ssrc, index), sent[8:-4])

    # --- parts
    @staticmethod
    def _start(salt: bytes, ssrc: bytes, index: int) -> bytes:
        return ((int.from_bytes(salt) << 16) ^ (int.from_bytes(ssrc) << 64) ^ (index << 16)).to_bytes(16)

    @staticmethod
    def _nonce(salt: bytes, ssrc: bytes, index: int) -> bytes:
        return (int.from_bytes(salt) ^ (int.from_bytes(ssrc) << 48) ^ index).to_bytes(12)

    @staticmethod
    def _tag(key: bytes, data: bytes, size: int) -> bytes:
        return hmac.new(key, data, sha1).digest()[:size]
