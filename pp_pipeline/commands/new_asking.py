"""How `pp campaign new` and its like ask: a question each, judged at once, asked again where the answer is wrong."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

import typer

from pp_pipeline.commands.acting_day import acting_day
from pp_pipeline.commands.output import check_can_ask, err
from pp_pipeline.configuration import Configuration
from pp_pipeline.settings import Settings, SettingsError, parse_day
from pp_pipeline.starting.drafts import Kind, name_problem

Check = Callable[[str], str]
"""Says what is wrong with an answer; '' where nothing is."""


@dataclass(frozen=True)
class Asker:
    """Gets answers: from the options of the command line, else from the person.

    Attributes:
        given: what stands on the command line, by option without its dashes; None for what was not said.
        asks: whether the person is asked; else what was not said takes its default.
    """

    given: Mapping[str, str | None]
    asks: bool
    _used: set[str] = field(default_factory=set)

    def answer(self, option: str, question: str, check: Check, *, default: str | None = None, about: str = "") -> str:
        """A right answer to a question.

        Args:
            option: the option that answers it too.
            about: a short explanation, shown before it is asked.

        Raises:
            SettingsError: the option is wrong; nobody is asked and there is no default; nobody answers.
        """
        self._used.add(option)
        given = self.given.get(option)
        if given is None and self.asks:
            return self._asked(question, check, default, about)
        answer = default if given is None else given
        if answer is None:
            raise SettingsError(f"{_shown(option)} is needed where nobody is asked: {question}. {about}".strip())
        if problem := check(answer):
            raise SettingsError(f"{_shown(option)}: {problem}")
        return answer

    def choice(self, option: str, question: str, choices: Mapping[str, str], *, default: str | None = None) -> str:
        """One of some words, each with what it means."""
        known = "allowed are " + ", ".join(choices)
        about = "\n".join(f"  {word:<20} {meaning}".rstrip() for word, meaning in choices.items())
        return self.answer(
            option,
            question,
            lambda text: "" if text in choices else f"'{text}' is not allowed; {known}",
            default=default,
            about=about,
        )

    def name(self, settings: Settings, kind: Kind, suggested: str) -> str:
        """A name that is free; the recipe's own is suggested if it is."""
        is_free = not name_problem(settings, kind, suggested)
        return self.answer(
            "NAME",
            f"Name of the {kind}",
            lambda text: name_problem(settings, kind, text),
            default=suggested if is_free else None,
        )

    def day(self, option: str, question: str, default: str, about: str) -> str:
        """A day, as YYYY-MM-DD."""
        return self.answer(option, question, _day_problem, default=default, about=about)

    def check_all_used(self) -> None:
        """Refuse options to which there was no question.

        Raises:
            SettingsError: names them.
        """
        idle = [
            _shown(option) for option, given in self.given.items() if given is not None and option not in self._used
        ]
        if idle:
            raise SettingsError(f"{' and '.join(idle)} does not go with the other answers; leave it out")

    def _asked(self, question: str, check: Check, default: str | None, about: str) -> str:
        err.print()
        if about:
            err.print(about, style="dim", markup=False)
        while True:
            try:
                answer = typer.prompt(question, default=default, err=True).strip()
            except typer.Abort:
                raise SettingsError("no answer; nothing was written. With --yes nothing is asked") from None
            if not (problem := check(answer)):
                return answer
            err.print(problem, style="yellow", markup=False)


@dataclass(frozen=True)
class Session:
    """What a command works with: everything that is there, the day that it acts as of, and how it speaks."""

    configuration: Configuration
    today: date
    asker: Asker
    as_json: bool


def begin(options: Mapping[str, str | None], today: str | None, yes: bool, as_json: bool) -> Session:
    """Judge what is there already, before anything is asked.

    Args:
        options: what stands on the command line, by option.
        yes: nothing is asked.

    Raises:
        SettingsError: --json would have to ask; `today` is no day to act as of.
        CampaignError, ConversationError, MerchantError, DbtError: what is there is wrong.
    """
    check_can_ask(as_json, yes)
    configuration = Configuration(Settings.from_environment())
    configuration.check()
    day = acting_day(configuration.settings, configuration.merchants, today)
    return Session(configuration, day, Asker(options, asks=not yes), as_json)


def _shown(option: str) -> str:
    return option if option.isupper() else f"--{option}"


def _day_problem(text: str) -> str:
    try:
        parse_day(text)
    except SettingsError as error:
        return str(error)
    return ""
