"""Reads every template as its readers will, before they do: each field filled, each missing, in each language."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import get_args

from mailgate.errors import Refused
from mailgate.model.config import Config, Writing
from mailgate.model.sending import Audience
from mailgate.notify import samples
from mailgate.notify.compose import SUBJECT_LIMIT, prepare, render
from mailgate.notify.fields import LAYOUT, OWN
from mailgate.notify.labels import translatable
from mailgate.notify.template import Mistake, Source, check_template, holes, parts

FoundIn = tuple[str, Mistake]


def mistakes(config: Config, sources: Mapping[str, Source]) -> tuple[FoundIn, ...]:
    """What is wrong in *sources*, each with its file; long subjects are looked for only where nothing else is."""
    key_name = config.key_name or ""
    found = [
        (source.file, mistake)
        for name, source in sources.items()
        for mistake in check_template(name, source.text, key_name) or holes(name, source.text, key_name)
    ]
    return tuple(found or _long_subjects(config, sources))


def _long_subjects(config: Config, sources: Mapping[str, Source]) -> Iterator[FoundIn]:
    """Subjects that would be cut, in mails to every audience there is."""
    seen = set()
    for language in get_args(Writing):
        context = prepare(samples.in_language(config, language), samples.KEYS, "sample", sources)
        for message in sorted(OWN.keys() - {LAYOUT}):
            for audience in Audience:
                try:
                    subject = render(*samples.sample(message, audience, context.config), context).subject
                except Refused:  # the service has no such readers
                    continue
                if subject.endswith("…") and message not in seen:
                    seen.add(message)
                    words = f'the subject in "{language}" is longer than {SUBJECT_LIMIT} characters, and would be cut'
                    yield sources[message].file, Mistake(2, words)


def notes(config: Config, sources: Mapping[str, Source]) -> Iterator[str]:
    """What a person should know of *sources*, which have no mistakes."""
    for source in sources.values():
        taken = parts(source.text)
        if taken and taken.draft:
            yield f"{source.file}  draft: {taken.draft}"
    for message in sorted(OWN.keys() - {LAYOUT}):
        if f"cy/{message}" not in sources:
            yield f'"{message}" has no template in Welsh: it goes out in English'
    yield from _translations(config)


def _translations(config: Config) -> Iterator[str]:
    """Words without Welsh where a mailbox writes it, and Welsh for words that no mail has."""
    said, welsh = dict.fromkeys(translatable(config)), config.service.welsh
    if config.writes_welsh:
        yield from (f'"welsh" does not have "{words}": it stays in English' for words in said if words not in welsh)
    for words in welsh:
        if words not in said:
            nearest = get_close_matches(words, said, 1, 0.5)
            hint = f'; nearest is "{nearest[0]}"' if nearest else ""
            yield f'"welsh" has "{words}", which no mail says{hint}'
