"""Keys for tests that look like random ones, the same every time: no real key is made so."""

from hashlib import sha256


def digits(name: str) -> str:
    """64 hexadecimal digits, others for every name."""
    return sha256(f"a key of the tests called {name}".encode()).hexdigest()


def secret(name: str) -> bytes:
    return bytes.fromhex(digits(name))
