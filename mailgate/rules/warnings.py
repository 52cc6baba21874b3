"""What is valid and yet hardly meant: phrases that never win, rules that never fit, names that lead nowhere."""

from collections.abc import Iterator, Sequence

from mailgate.model.config import Config
from mailgate.model.work import Rule
from mailgate.rules.classify import classify
from mailgate.rules.located import Node, Problem
from mailgate.rules.overlap import fits_every_mail, is_impossible, shadowing, undone
from mailgate.rules.phrases import Phrases
from mailgate.rules.typed import suggestion


def warnings(config: Config, service: Node) -> Iterator[Problem]:
    """Everything worth a second look in *config*, whose files say *service*."""
    yield from _phrases(config, service)
    yield from _rules(config.service.rules, list(service.each(("rules", "*"))))
    yield from _names(config, service)
    yield from _reached(config, service)
    yield from _guided(config, service)
    yield from _approved(config, service)


def unused(service: Node, fitted: frozenset[str], known: frozenset[str], mails: int, days: int) -> Iterator[Problem]:
    """The rules that are *known* for as long and have fitted none of the *mails* of so many *days*."""
    for name in service.each(("rules", "*", "name")):
        if name.value in known - fitted:
            count = "the one mail" if mails == 1 else f"any of the {mails} mails"
            text = f'the rule "{name.value}" has not fitted {count} of the last {days} days; is it still needed?'
            yield name.place.problem(text)


def _guided(config: Config, service: Node) -> Iterator[Problem]:
    """Tasks without guidance, in a service that has some; guidance for no task."""
    if not config.guidance:
        return
    tasks = {
        f"{category}.{task}": inner
        for category, entry in _entries(service, "categories")
        for task, inner in _entries(entry, "tasks")
    }
    for name, node in tasks.items():
        if name not in config.guidance:
            file = f"guidance/{name.replace('.', '/', 1)}.md"
            yield node.key.problem(f"{name} has no guidance for whoever does it; write {file}")
    for name in sorted(config.guidance.keys() - tasks.keys()):
        if not name.endswith(".other"):
            file = f"guidance/{name.replace('.', '/', 1)}.md"
            yield service.place.problem(f"there is no task {name} for {file}{suggestion(name, tuple(tasks))}")


def _approved(config: Config, service: Node) -> Iterator[Problem]:
    """Commissions whose consolidated return nobody may be asked to approve, so that it never goes back."""
    asked = config.service.commissions
    if asked is None or config.service.teams[asked.compiled_by].lead:
        return
    for node in service.each(("commissions", "compiled_by")):
        team = asked.compiled_by
        text = f'nobody leads "{team}": it needs somebody in the directory, or no return is ever approved and goes back'
        yield node.place.problem(text)


# ---- phrases


def _phrases(config: Config, service: Node) -> Iterator[Problem]:
    placed = [
        (f"{category}.{task}", str(node.value), node)
        for category, entry in _entries(service, "categories")
        for task, inner in _entries(entry, "tasks")
        for node in inner.each(("recognise", "*"))
    ]
    everything = Phrases((number, phrase) for number, (_, phrase, _) in enumerate(placed))
    filling = [{hit.label for hit in everything.find(phrase) if (hit.start, hit.end) == (0, len(phrase))}
               for _, phrase, _ in placed]  # fmt: skip
    for number, (task, phrase, node) in enumerate(placed):
        same = [other for other in sorted(filling[number]) if other != number and number in filling[other]]
        if any(other > number for other in same):
            continue  # said once, at the last of them
        if same:
            first, _, place = placed[same[0]]
            where = "this task has it" if first == task else f"{first} has it"
            yield node.place.problem(f'"{phrase}" is there twice: {where} too ({place.place})')
        elif (winner := _winner(task, phrase, config)) is not None:
            yield node.place.problem(f'"{phrase}" never wins: {winner}')


def _winner(task: str, phrase: str, config: Config) -> str | None:
    """Why a mail that says just *phrase* does not go to *task*, whatever mailbox it came to; None where it does."""
    first_of: dict[str | None, str] = {}
    for name, mailbox in config.service.mailboxes.items():
        first_of.setdefault(mailbox.usually, name)
    own = first_of.pop(task.partition(".")[0], None)
    found = None
    for address in dict.fromkeys((own, *first_of.values(), None)):
        found = classify("", phrase, address, config)
        if found.task == task:
            return None
    if found is None or found.task is None or not found.matches[0].words:
        return "no mail can say it like this; write plain words"
    return f'a mail that says just that goes to {found.task}, by "{found.matches[0].words}"'


# ---- rules


def _rules(rules: Sequence[Rule], nodes: Sequence[Node]) -> Iterator[Problem]:
    for number, (rule, node) in enumerate(zip(rules, nodes, strict=True)):
        if is_impossible(rule.when):
            yield node.place.problem(f'the rule "{rule.name}" can never fit: its task is not of its category')
        if fits_every_mail(rule.when) and (rule.then.stop or rule.then.task):
            yield node.place.problem(f'the rule "{rule.name}" fits every mail; say in "when" which ones are meant')
        if (earlier := shadowing(rules, number)) is not None:
            first = f'"{rules[earlier].name}" ({nodes[earlier].place})'
            yield node.place.problem(f'the rule "{rule.name}" is never read: {first} fits whatever it fits, and stops')
        for later, what in undone(rules, number):
            second = f'"{rules[later].name}" ({nodes[later].place})'
            yield node.place.problem(
                f'what the rule "{rule.name}" says about {what} never counts: {second} fits too and says otherwise'
            )


# ---- names


def _names(config: Config, service: Node) -> Iterator[Problem]:
    """Conditions on what there never is: a mailbox, a marking, a tag."""
    tags = {tag for rule in config.service.rules for tag in rule.then.tag}
    for when in service.each(("rules", "*", "when")):
        for name, node in _conditions(when):
            for wish in node.each(("*",)):
                text = str(wish.value)
                if name == "to" and "*" not in text and not config.accepts(text):
                    known = suggestion(text, config.service.mailboxes)
                    yield wish.place.problem(f'"{text}" is no mailbox of ours{known}')
                elif name == "marking" and not any(_is_marking(text, each) for each in config.service.markings):
                    known = suggestion(text, config.service.markings)
                    yield wish.place.problem(f'"{text}" is not among "markings"{known}')
                elif name == "tag" and text not in tags:
                    yield wish.place.problem(f'no rule gives the tag "{text}"{suggestion(text, tags)}')


def _is_marking(text: str, known: str) -> bool:
    return text == known or text.startswith(f"{known} ")


def _conditions(when: Node) -> Iterator[tuple[str, Node]]:
    """Every condition of a rule, nested ones too."""
    for name, node in when.entries.items():
        if name in ("all", "any", "not"):
            for nested in node.value if isinstance(node.value, list) else [node]:
                yield from _conditions(nested)
        else:
            yield name, node


# ---- what nothing leads to


def _reached(config: Config, service: Node) -> Iterator[Problem]:
    """Categories and tasks that no mail can come to by itself."""
    usual = {mailbox.usually for mailbox in config.service.mailboxes.values()}
    named = {rule.then.task for rule in config.service.rules}
    for name, entry in _entries(service, "categories"):
        tasks = config.service.categories[name].tasks
        reached = {task for task, found in tasks.items() if found.recognise or f"{name}.{task}" in named}
        if name not in usual and not reached and f"{name}.other" not in named:
            text = f'nothing leads to "{name}": no mailbox is usually for it, it has no phrase, and no rule names it'
            yield entry.key.problem(text)
        else:
            for task, node in _entries(entry, "tasks"):
                if task not in reached and task != "other":
                    yield node.key.problem(f'nothing leads to "{name}.{task}": it has no phrase, and no rule names it')


def _entries(node: Node, name: str) -> Iterator[tuple[str, Node]]:
    for section in node.each([name]):
        yield from section.entries.items()
