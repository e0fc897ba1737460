"""TLS to the network cache: whom we trust, and the certificate by which the server knows us.

Trusted is what OpenSSL trusts here, or what SSL_CERT_FILE and SSL_CERT_DIR name instead.
"""

from __future__ import annotations

import ssl

from bootimage.store.remote_health import RemoteProblem
from bootimage.store.remote_settings import RemoteSettings


def tls_for(settings: RemoteSettings) -> ssl.SSLContext | None:
    """How to speak TLS to the server or to its proxy; None where neither is spoken to so.

    RemoteProblem where the client's certificate is none, or where its key wants a password.
    """
    if "https" not in (settings.scheme, settings.proxy and settings.proxy.url.partition(":")[0]):
        return None
    context = ssl.create_default_context()
    if certificate := settings.credentials.certificate:
        _present(context, certificate, settings.credentials.key)
    return context


def _present(context: ssl.SSLContext, certificate: str, key: str | None) -> None:
    def ask() -> str:  # by default, OpenSSL asks on the terminal, in the middle of a build
        raise ValueError

    try:
        context.load_cert_chain(certificate, key, password=ask)
    except ValueError:
        raise _unusable(key or certificate, "its key is locked by a password") from None
    except ssl.SSLError as problem:
        reason = problem.reason or "no certificate with a private key in PEM format"
        raise _unusable(certificate, reason.lower().replace("_", " ")) from None
    except OSError as problem:
        raise _unusable(certificate, f"{problem.strerror}") from None


def _unusable(file: str, why: str) -> RemoteProblem:
    return RemoteProblem(f"the client's certificate {file} cannot be used: {why}", final=True)


def trust_advice(settings: RemoteSettings) -> str:
    """What to do about a server whose certificate is not trusted."""
    return f"SSL_CERT_FILE should name the certificate of the authority of {settings.host}"
