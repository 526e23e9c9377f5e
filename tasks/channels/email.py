from __future__ import annotations

import re
import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.validators import validate_email
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from tasks.channels.base import Channel, NotDelivered, Notice, Send

LONGEST = 254
# For each answer of the mail server; a message takes half a dozen of them.
TIMEOUT = 10
CONSOLE = "django.core.mail.backends.console.EmailBackend"


class EmailChannel(Channel):
    name: ClassVar[str] = "email"
    reaches_people: ClassVar[bool] = True

    def accepts(self, recipient: str) -> bool:
        return "@" in recipient and "://" not in recipient

    def clean(self, recipient: str) -> str:
        try:
            validate_email(recipient)
        except ValidationError:
            recipient = ""
        if not recipient or len(recipient) > LONGEST:
            raise ValueError(_("An e-mail address looks like maja@company.example.")) from None
        return recipient

    def is_set_up(self) -> bool:
        return bool(settings.EMAIL_BACKEND != CONSOLE)

    @contextmanager
    def session(self) -> Iterator[Send]:
        connection = get_connection(timeout=TIMEOUT)
        with _in_our_words():
            connection.open()
        try:

            def send(notice: Notice, recipient: str) -> None:
                message = message_of(notice, recipient)
                message.connection = connection
                with _in_our_words():
                    message.send()

            yield send
        finally:
            with _ending():
                connection.close()


@contextmanager
def _in_our_words() -> Iterator[None]:
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        code, text = next(iter(error.recipients.values()))
        raise NotDelivered("mail_refused", error=_answer(code, text), final=code >= 500) from error
    except smtplib.SMTPResponseException as error:
        answer = _answer(error.smtp_code, error.smtp_error)
        raise NotDelivered("mail_refused", error=answer, is_down=True) from error
    except (smtplib.SMTPException, OSError) as error:
        # smtplib makes a lost connection of a time-out.
        is_silent = isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError)
        said = "mail_silent" if is_silent else "mail_unreachable"
        raise NotDelivered(said, error=one_line(str(error)), is_down=True) from error


@contextmanager
def _ending() -> Iterator[None]:
    """What the server says to our good-bye undoes nothing."""
    try:
        yield
    except (smtplib.SMTPException, OSError):
        return


def _answer(code: int, text: bytes | str) -> str:
    return one_line(
        f"{code} {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}"
    )


def message_of(notice: Notice, recipient: str) -> EmailMultiAlternatives:
    host = urlsplit(settings.SITE_URL).hostname or "localhost"
    thread = f"<task.{notice.task_id}@{host}>"
    context = {"notice": notice}
    message = EmailMultiAlternatives(
        subject=one_line(notice.subject)[:150],
        body=_clean(render_to_string("tasks/mail/alert.txt", context)),
        to=[recipient],
        headers={
            "Message-ID": f"<alert.{notice.id}@{host}>",
            "References": thread,
            "In-Reply-To": thread,
            "List-Id": f"<{notice.task_id}.alerts.{host}>",
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
        },
    )
    html = _clean(render_to_string("tasks/mail/alert.html", context))
    message.attach_alternative(html, "text/html")
    return message


def one_line(text: str) -> str:
    return " ".join(_clean(text).split())


def _clean(text: str) -> str:
    """Line ends and tabs are the only control characters a mail needs."""
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", "", text)
