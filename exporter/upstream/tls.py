"""Build the TLS context of a connection from certificates in memory."""

import ssl

import httpx

from exporter.files import in_memory


def context_of(
    authority: bytes | None,
    certificate: bytes | None,
    key: bytes | None,
    *,
    verify: bool = True,
    server_name: str = "",
) -> ssl.SSLContext:
    """Return a context: verified unless told otherwise, TLS 1.2 or newer; all of them as PEM.

    With a `server_name` the server is asked for its certificate by that name, whatever its host.
    Raises OSError, ssl.SSLError among them, or ValueError when something is no certificate or key.
    """
    if authority is not None and verify:
        with in_memory(authority, None) as path:
            context = ssl.create_default_context(cafile=path)
    else:
        context = httpx.create_ssl_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if certificate is not None and key is not None:
        with in_memory(certificate, None) as chain, in_memory(key, None) as secret:
            # Without an empty password OpenSSL asks the terminal for that of an encrypted key.
            context.load_cert_chain(chain, secret, password="")
    if server_name:
        _ask_for(context, server_name)
    return context


def _ask_for(context: ssl.SSLContext, server_name: str) -> None:
    wrap = context.wrap_bio

    def wrap_bio(
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        return wrap(incoming, outgoing, server_side, server_name, session)

    # Neither HTTP library takes a name for a whole connection pool; all of them come through here.
    context.wrap_bio = wrap_bio  # type: ignore[method-assign]
