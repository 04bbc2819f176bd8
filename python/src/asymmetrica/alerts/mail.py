"""Mail: one message to one recipient, so that none gets it twice because another's server was away."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

from .message import Environment, Message, Undelivered
from .web import deadline, resolve

__all__ = ["email"]

_STEP, _WHOLE = 10.0, 25.0
_PORTS = {"smtp": 25, "smtps": 465}


class _Pinned(smtplib.SMTP):
    """Connects to an address that was looked at, and believes only the name that led there."""

    addresses: Sequence[str] = ()

    def _get_socket(self, _: str, port: int, timeout: float) -> socket.socket:
        return _reach(self.addresses, port, timeout)


class _PinnedTLS(smtplib.SMTP_SSL):
    addresses: Sequence[str] = ()

    def _get_socket(self, host: str, port: int, timeout: float) -> ssl.SSLSocket:
        return self.context.wrap_socket(_reach(self.addresses, port, timeout), server_hostname=host)


def _reach(addresses: Sequence[str], port: int, timeout: float) -> socket.socket:
    for address in addresses[:-1]:
        with contextlib.suppress(ConnectionRefusedError):
            return socket.create_connection((address, port), timeout)
    return socket.create_connection((addresses[-1], port), timeout)


def write(message: Message) -> EmailMessage:
    """Return the mail; its Message-ID is the message's key."""
    payload = message.payload
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"] = message.sender, message.recipient
    mail["Subject"] = " ".join(str(payload.get("title", "alert")).split())[:200]
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = f"<{message.key}@{(message.sender or '').rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    lines = [str(payload["text"])]
    lines += [f"\nAlert {item['id']}, rule {item['rule']}, since {item['opened_at']}"
              for item in payload["alerts"]]  # fmt: skip
    mail.set_content("\n".join(lines) + "\n")
    return mail


def email(message: Message, environment: Environment) -> int:
    """Send by SMTP; with STARTTLS where it is offered, and never a password without TLS."""
    text, own = message.address(environment)
    try:
        url = urlsplit(text)
        host, port = url.hostname or "", url.port or _PORTS[url.scheme]
        mail = write(message)
    except (ValueError, KeyError, MessageError):
        raise Undelivered("its url can't be read, or makes no mail") from None
    if (url.username or url.password) and not own:
        raise Undelivered("its url holds a password")
    addresses = resolve(host, port, environment, own=own)
    context = ssl.create_default_context()
    tls = url.scheme == "smtps"
    server = _PinnedTLS(timeout=_STEP, context=context) if tls else _Pinned(timeout=_STEP)
    server.addresses = addresses
    server._host = host  # type: ignore[union-attr]  # what STARTTLS asks the certificate for
    try:
        with deadline(_WHOLE, lambda: server.sock):
            _send(server, url.scheme, host, port, unquote(url.username or ""), unquote(url.password or ""),
                  context, mail)  # fmt: skip
    except smtplib.SMTPRecipientsRefused as error:
        code = max((reply[0] for reply in error.recipients.values()), default=550)
        raise _refused(code, "the recipient") from None
    except (smtplib.SMTPAuthenticationError, smtplib.SMTPHeloError, smtplib.SMTPConnectError) as error:
        raise Undelivered(f"SMTP {error.smtp_code}: {type(error).__name__}", status=error.smtp_code) from None
    except smtplib.SMTPResponseException as error:
        raise _refused(error.smtp_code, "the mail") from None
    except ssl.SSLError:
        raise Undelivered("its certificate or TLS was not accepted") from None
    except TimeoutError:
        raise Undelivered("it did not answer in time") from None
    except ConnectionRefusedError:
        raise Undelivered("nobody listens there") from None
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise Undelivered(f"the connection broke ({type(error).__name__})") from None
    finally:
        server.close()
    return 250


def _send(
    server: smtplib.SMTP, scheme: str, host: str, port: int, user: str, password: str,
    context: ssl.SSLContext, mail: EmailMessage,
) -> None:  # fmt: skip
    server.connect(host, port)
    server.ehlo_or_helo_if_needed()
    safe = scheme == "smtps"
    if not safe and server.has_extn("starttls"):
        server.starttls(context=context)
        server.ehlo_or_helo_if_needed()
        safe = True
    if user:
        if not safe:
            raise Undelivered("it offers no TLS, so it gets no password")
        server.login(user, password)
    server.send_message(mail)
    # What comes after the mail was taken changes nothing.
    try:
        server.quit()
    except (smtplib.SMTPException, OSError):
        return


def _refused(code: int, what: str) -> Undelivered:
    return Undelivered(f"SMTP {code}: {what} was refused", status=code, hopeless=500 <= code < 600)
