"""django-helpdesk on PostgreSQL, in an environment of its own: ``python django_peer.py DATABASE FOLDER`` for P4.

It waits for a line, reads every mail of the folder into tickets by its own command, as it would from a mailbox, and
prints how many there are and the seconds it took. What it would send is made and thrown away.
"""

import json
import sys
import time
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command

PARTS = ["admin", "auth", "contenttypes", "sessions", "sites", "messages", "humanize"]


def main(database: str, folder: Path) -> None:
    host, port, user, name = database.split(" ")
    settings.configure(
        INSTALLED_APPS=[*(f"django.contrib.{part}" for part in PARTS), "helpdesk", "rest_framework"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "HOST": host,
                "PORT": port,
                "USER": user,
                "NAME": name,
            }
        },
        EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend",
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
        MEDIA_ROOT=str(folder.parent / "media"),
        SECRET_KEY="for this run",  # noqa: S106 - it is gone with the run
        SITE_ID=1,
        USE_TZ=True,
        LOGGING_CONFIG=None,
        HELPDESK_TEAMS_MODEL="auth.Group",
        HELPDESK_TEAMS_MIGRATION_DEPENDENCIES=[("auth", "0001_initial")],
    )
    django.setup()
    from django.urls import include, path

    settings.ROOT_URLCONF = (path("", include("helpdesk.urls")),)
    call_command("migrate", verbosity=0)
    from helpdesk.models import Queue, Ticket

    box = {"email_box_type": "local", "email_box_local_dir": f"{folder}/", "email_box_interval": 0}
    Queue.objects.create(
        title="Desk", slug="desk", allow_email_submission=True, email_address="desk@example.org", **box
    )
    print("ready", flush=True)
    sys.stdin.readline()
    begun = time.perf_counter()
    call_command("get_email", quiet=True)
    seconds = time.perf_counter() - begun
    print(json.dumps({"tickets": Ticket.objects.count(), "seconds": seconds}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
