"""Build the TLS context of a connection from certificates in memory."""

import ssl

import httpx

from exporter.files import in_memory


class NamedContext(ssl.SSLContext):
    """A context that asks for another name than that of the host, and checks it."""

    server_name = ""

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """Do the same with the name that was set."""
        name = self.server_name or server_hostname
        return super().wrap_bio(incoming, outgoing, server_side, name, session)


def context_of(
    authority: bytes | None,
    certificate: bytes | None,
    key: bytes | None,
    *,
    verify: bool = True,
    server_name: str = "",
) -> ssl.SSLContext:
    """Return a context: verified unless told otherwise, TLS 1.2 or newer; all of them as PEM.

    Raises OSError, ssl.SSLError among them, or ValueError when something is no certificate or key.
    """
    context = NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.server_name = server_name
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif authority is not None:
        with in_memory(authority, None) as path:
            context.load_verify_locations(cafile=path)
    else:
        authorities = httpx.create_ssl_context().get_ca_certs(binary_form=True)
        context.load_verify_locations(cadata=b"".join(authorities))
    if certificate is not None and key is not None:
        with in_memory(certificate, None) as chain, in_memory(key, None) as secret:
            # Without an empty password OpenSSL asks the terminal for that of an encrypted key.
            context.load_cert_chain(chain, secret, password="")
    return context
