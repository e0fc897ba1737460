"""What went wrong on the way to the network cache, in words. Credentials are in none of them."""

from __future__ import annotations

import errno
import re
import ssl

from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationValueError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)

from bootimage.store.remote_health import RemoteProblem
from bootimage.store.remote_settings import RemoteSettings
from bootimage.store.remote_tls import trust_advice

_UNREACHABLE = (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH)


def as_remote_problem(problem: BaseException, settings: RemoteSettings) -> RemoteProblem | None:
    """`problem` in words, when it is one of the network that has none yet."""
    if isinstance(problem, ProxyError):
        return _of_proxy(problem, settings)
    if isinstance(problem, NameResolutionError | LocationValueError):
        return RemoteProblem("its host is not known", final=True)
    if isinstance(problem, NewConnectionError) and isinstance(problem.__cause__, OSError):
        return _of_system(problem.__cause__)
    if isinstance(problem, TimeoutError | ConnectTimeoutError | ReadTimeoutError):
        return RemoteProblem(
            f"it takes too long (RUSTKERNEL_CACHE_TIMEOUT is {settings.timeout:g} s)", final=True
        )
    if isinstance(problem, SSLError):
        return _of_tls(problem, settings)
    if isinstance(problem, HTTPError | ValueError):
        return RemoteProblem(f"it does not speak HTTP as it should ({_innermost(problem)})")
    return _of_system(problem) if isinstance(problem, OSError) else None


def _of_system(problem: OSError) -> RemoteProblem:
    words = (problem.strerror or type(problem).__name__).lower()
    return RemoteProblem(words, final=problem.errno in _UNREACHABLE)


def _of_tls(problem: SSLError, settings: RemoteSettings) -> RemoteProblem:
    cause = problem.args[0] if problem.args else None
    reason = (cause.reason if isinstance(cause, ssl.SSLError) else None) or _innermost(problem)
    untrusted = isinstance(cause, ssl.SSLCertVerificationError)
    return RemoteProblem(
        f"TLS fails ({reason})", final=True, hint=trust_advice(settings) if untrusted else None
    )


def _of_proxy(problem: ProxyError, settings: RemoteSettings) -> RemoteProblem:
    inner = as_remote_problem(problem.original_error, settings)
    status = re.search(r"Tunnel connection failed: (\d{3})", str(problem.original_error))
    return proxy_problem(
        settings, f"a proxy that fails: {f'it answers with status {status[1]}' if status else inner}"
    )


def proxy_problem(settings: RemoteSettings, words: str) -> RemoteProblem:
    """`words` say what is wrong with the proxy that the user's variable names."""
    variable = settings.proxy.variable if settings.proxy else "the environment"
    hint = f"NO_PROXY={settings.host} goes there without a proxy"
    return RemoteProblem(f"{variable} names {words}", final=True, hint=hint)


def _innermost(problem: BaseException) -> str:
    """The name of the exception that urllib3 has wrapped."""
    wrapped = [each for each in problem.args if isinstance(each, BaseException)]
    return _innermost(wrapped[0]) if wrapped else type(problem).__name__
