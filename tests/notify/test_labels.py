from mailgate.model.config import Config, Service, Team
from mailgate.model.work import Category, Task
from mailgate.notify.labels import task_label, team_label

CONFIG = Config(
    version="1",
    service=Service(
        teams={"service-desk": Team(), "field": Team(label="Field engineers")},
        categories={
            "hardware": Category(
                tasks={
                    "new-laptop": Task(),
                    "screen": Task(label="Broken screen"),
                    "vpn-token": Task(recognise=("VPN token",)),
                }
            ),
            "it-access": Category(label="IT access"),
        },
    ),
)


def test_a_label_is_the_one_given_else_the_name_as_words() -> None:
    assert task_label(CONFIG, "hardware.new-laptop") == "New laptop"
    assert task_label(CONFIG, "hardware.screen") == "Broken screen"
    assert task_label(CONFIG, "hardware.vpn-token") == "VPN token"
    assert team_label(CONFIG, "service-desk") == "Service desk"
    assert team_label(CONFIG, "field") == "Field engineers"


def test_mail_that_no_phrase_recognised_has_the_label_of_its_category() -> None:
    assert task_label(CONFIG, "it-access.other") == "IT access"
    assert task_label(CONFIG, "hardware.other") == "Hardware"


def test_where_there_is_none_there_is_nothing_to_read() -> None:
    assert task_label(CONFIG, None) == team_label(CONFIG, None) == ""
    assert team_label(CONFIG, "gone-since") == "Gone since"
